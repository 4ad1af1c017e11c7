import { type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { isShed } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import type { ApplyResponse__Output } from '../generated/imstate/v1/ApplyResponse.js';
import type { OperationResult__Output } from '../generated/imstate/v1/OperationResult.js';
import { ImstateError } from '../shared/errors.js';
import { loadCodec } from '../wire/codec.js';

/**
 * A daemon answers each operation within a second, even if its store is unavailable. If it is silent for
 * longer, it is gone.
 */
const MAX_SILENCE_MS = 2_000;
const POLL_INTERVAL_MS = 250;
const APPLY = '/imstate.v1.PresenceService/Apply';
/** Rejections by a server that applied nothing. Another server would reject the stream as well. */
const REJECTIONS = [
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.INVALID_ARGUMENT,
];

/** An operation on a stream. */
export interface SentOperation {
  /** An ApplyRequest with this operation only, see encodeOperation. */
  readonly request: Buffer;
  /** Called with the result. */
  onResult(result: OperationResult__Output): void;
}

/** How an {@link ApplyStream} ended. */
export interface StreamEnd<Operation extends SentOperation = SentOperation> {
  /** The operations without a result. */
  unanswered: Operation[];
  /**
   * Which of them to send again: all, because no daemon applied any; those that are safe to repeat, because a
   * daemon may have applied them; or none, because another daemon would reject them too.
   */
  resend: 'all' | 'repeatable' | 'none';
  /**
   * Undefined if a draining daemon ended the stream. With `all`, an overloaded daemon may have rejected it.
   */
  error: ImstateError | undefined;
}

/** One stream of Apply, from its opening to its end. Batches are answered in order. */
export class ApplyStream<Operation extends SentOperation = SentOperation> {
  /** See LegacyServers.generation, when the stream was opened. */
  readonly generation: number;
  readonly #channel: Channel;
  readonly #stream: ClientDuplexStream<Buffer, ApplyResponse__Output>;
  readonly #batches: Operation[][] = [];
  readonly #onAnswer: () => void;
  readonly #onEnd: (end: StreamEnd<Operation>) => void;
  readonly #endGuard: () => void;
  readonly #pollTimer: NodeJS.Timeout;
  /** Polls in a row at which a response was due and none had arrived. */
  #silentPolls = 0;
  #hasResponse = false;
  #isOver = false;

  /** Calls `onAnswer` after each answered batch, and `onEnd` once. Throws if the client is closed. */
  constructor(channel: Channel, onAnswer: () => void, onEnd: (end: StreamEnd<Operation>) => void) {
    this.generation = channel.legacyServers.generation;
    this.#channel = channel;
    this.#onAnswer = onAnswer;
    this.#onEnd = onEnd;
    const read = loadCodec().reader<ApplyResponse__Output>('imstate.v1.ApplyResponse');
    this.#stream = channel.open(() =>
      channel.presenceService.makeBidiStreamRequest(APPLY, (batch: Buffer) => batch, read),
    );
    this.#stream.on('data', (response: ApplyResponse__Output) => this.#receive(response));
    let shed: ImstateError | undefined;
    this.#stream.on('error', (error: ServiceError) => {
      if (isShed(error)) shed = channel.explain(error, MAX_SILENCE_MS);
      else this.#end(channel.explain(error, MAX_SILENCE_MS), resendAfter(error, this.#hasResponse));
    });
    // Not 'status' or 'error', which may overtake a response.
    this.#stream.on('end', () => this.#end(shed, 'all'));
    this.#stream.once('metadata', () => this.#endGuard());
    this.#endGuard = channel.guardConnecting((error) => {
      this.#end(error, 'none');
      this.#stream.cancel();
    });
    this.#pollTimer = setInterval(() => this.#poll(), POLL_INTERVAL_MS);
  }

  /** The number of unanswered batches. */
  get inFlight(): number {
    return this.#batches.length;
  }

  send(batch: Operation[]): void {
    this.#batches.push(batch);
    this.#stream.write(Buffer.concat(batch.map(({ request }) => request)));
  }

  /** Ends the stream when all is answered. Does not wait for the daemon, which may be gone by then. */
  finish(): void {
    this.#end(undefined, 'all');
    this.#stream.cancel();
  }

  /** Ends the stream at once. Safe to call twice. */
  cancel(error: ImstateError): void {
    this.#end(error, error.code === 'INTERNAL' ? 'none' : 'repeatable');
    this.#stream.cancel();
  }

  #receive({ results }: ApplyResponse__Output): void {
    const batch = this.#batches.shift();
    this.#silentPolls = 0;
    this.#hasResponse = true;
    if (batch?.length !== results.length) {
      if (batch !== undefined) this.#batches.unshift(batch);
      const message = `${this.#channel.addresses} answered an operation twice or not at all`;
      this.cancel(new ImstateError('INTERNAL', message));
      return;
    }
    for (const [i, sent] of batch.entries()) sent.onResult(results[i] as OperationResult__Output);
    this.#onAnswer();
  }

  /**
   * Counts polls rather than time, because the event loop reads between two polls: a client that was stalled
   * itself does not blame the daemon. Without a connection no daemon is to blame.
   */
  #poll(): void {
    const isDue = this.#batches.length > 0 && this.#channel.isConnected();
    this.#silentPolls = isDue ? this.#silentPolls + 1 : 0;
    if (this.#silentPolls * POLL_INTERVAL_MS >= MAX_SILENCE_MS) this.cancel(this.#noResponseError());
  }

  /** Not DEADLINE_EXCEEDED: the calls still have time, and may be retried until it is over. */
  #noResponseError(): ImstateError {
    const message = `${this.#channel.addresses} sent no response for ${MAX_SILENCE_MS} ms`;
    return new ImstateError('UNAVAILABLE', message);
  }

  #end(error: ImstateError | undefined, resend: StreamEnd['resend']): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pollTimer);
    this.#endGuard();
    this.#onEnd({ unanswered: this.#batches.splice(0).flat(), resend, error });
  }
}

function resendAfter({ code, details }: ServiceError, hasResponse: boolean): StreamEnd['resend'] {
  // The credential was accepted, and may have been replaced. Whatever was applied under it has been answered.
  if (code === status.UNAUTHENTICATED && hasResponse) return 'all';
  if (REJECTIONS.includes(code)) return 'none';
  // gRPC had no connection for the stream.
  return details.includes('No connection established') ? 'all' : 'repeatable';
}
