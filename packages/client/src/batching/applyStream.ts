import { type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { isShed } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import type { ApplyResponse__Output } from '../generated/imstate/v1/ApplyResponse.js';
import type { OperationResult__Output } from '../generated/imstate/v1/OperationResult.js';
import { ImstateError } from '../shared/errors.js';
import { loadCodec } from '../wire/codec.js';

/** A daemon answers each operation within a second, be it that its store is gone: one that says nothing for longer is. */
const MAX_SILENCE_MS = 2_000;
const POLL_INTERVAL_MS = 250;
const APPLY = '/imstate.v1.PresenceService/Apply';
/** What a server says that took nothing, and another one would say too. */
const REFUSALS = [
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.INVALID_ARGUMENT,
];

/** An operation on its way. */
export interface Sent {
  /** An ApplyRequest of this operation alone: put behind each other they are one of all of them. */
  readonly request: Buffer;
  /** It was answered. */
  answer(result: OperationResult__Output): void;
}

/** How an {@link ApplyStream} ended, with the operations that were not answered. */
export interface StreamEnd {
  unanswered: Sent[];
  /** What may be sent again: all, for no daemon took it; what is harmless, for one may have; or nothing, for no other would. */
  again: 'all' | 'harmless' | 'none';
  /** Undefined if a daemon that stops ended it; with `all`, one that has too much to do may have. */
  error: ImstateError | undefined;
}

/** One stream of Apply, from its opening to whatever ends it: batches go out, and are answered in their order. */
export class ApplyStream {
  /** See LegacyServers.generation, when the stream was opened. */
  readonly generation: number;
  readonly #channel: Channel;
  readonly #stream: ClientDuplexStream<Buffer, ApplyResponse__Output>;
  readonly #batches: Sent[][] = [];
  readonly #onAnswer: () => void;
  readonly #onEnd: (end: StreamEnd) => void;
  readonly #endGuard: () => void;
  readonly #looks: NodeJS.Timeout;
  /** Looks in a row at which an answer was due and none had come. */
  #silentLooks = 0;
  #wasLetIn = false;
  #isOver = false;

  /** `onAnswer` is told after each batch that was answered, `onEnd` once. Throws if the client is closed. */
  constructor(channel: Channel, onAnswer: () => void, onEnd: (end: StreamEnd) => void) {
    this.generation = channel.legacyServers.generation;
    this.#channel = channel;
    this.#onAnswer = onAnswer;
    this.#onEnd = onEnd;
    const read = loadCodec().reader<ApplyResponse__Output>('imstate.v1.ApplyResponse');
    this.#stream = channel.open(() =>
      channel.presenceService.makeBidiStreamRequest(APPLY, (batch: Buffer) => batch, read),
    );
    this.#stream.on('data', (response: ApplyResponse__Output) => this.#take(response));
    let shed: ImstateError | undefined;
    this.#stream.on('error', (error: ServiceError) => {
      if (isShed(error)) shed = channel.explain(error, MAX_SILENCE_MS);
      else this.#end(channel.explain(error, MAX_SILENCE_MS), toSendAgain(error, this.#wasLetIn));
    });
    // And not 'status' or 'error', which may overtake an answer.
    this.#stream.on('end', () => this.#end(shed, 'all'));
    this.#stream.once('metadata', () => this.#endGuard());
    this.#endGuard = channel.guardConnecting((error) => {
      this.#end(error, 'none');
      this.#stream.cancel();
    });
    this.#looks = setInterval(() => this.#look(), POLL_INTERVAL_MS);
  }

  /** Batches that are not answered yet. */
  get inFlight(): number {
    return this.#batches.length;
  }

  send(batch: Sent[]): void {
    this.#batches.push(batch);
    this.#stream.write(Buffer.concat(batch.map(({ request }) => request)));
  }

  /** Ends when all is answered. It does not wait for the daemon, which may be gone by then. */
  finish(): void {
    this.#end(undefined, 'all');
    this.#stream.cancel();
  }

  /** Ends at once. May be called twice. */
  cancel(error: ImstateError): void {
    this.#end(error, error.code === 'INTERNAL' ? 'none' : 'harmless');
    this.#stream.cancel();
  }

  #take({ results }: ApplyResponse__Output): void {
    const batch = this.#batches.shift();
    this.#silentLooks = 0;
    this.#wasLetIn = true;
    if (batch?.length !== results.length) {
      if (batch !== undefined) this.#batches.unshift(batch);
      const message = `${this.#channel.addresses} answered an operation twice or not at all`;
      this.cancel(new ImstateError('INTERNAL', message));
      return;
    }
    for (const [i, sent] of batch.entries()) sent.answer(results[i] as OperationResult__Output);
    this.#onAnswer();
  }

  /**
   * Counts looks, between which the event loop reads: a client that was held up itself does not blame the daemon. While there
   * is no connection, there is nobody to blame.
   */
  #look(): void {
    const isDue = this.#batches.length > 0 && this.#channel.isConnected();
    this.#silentLooks = isDue ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks * POLL_INTERVAL_MS >= MAX_SILENCE_MS) this.cancel(this.#silence());
  }

  /** Not DEADLINE_EXCEEDED: the time of the calls is not over, and who repeats them until it is goes on. */
  #silence(): ImstateError {
    const message = `${this.#channel.addresses} said nothing for ${MAX_SILENCE_MS} ms while answers were due`;
    return new ImstateError('UNAVAILABLE', message);
  }

  #end(error: ImstateError | undefined, again: StreamEnd['again']): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#looks);
    this.#endGuard();
    this.#onEnd({ unanswered: this.#batches.splice(0).flat(), again, error });
  }
}

function toSendAgain({ code, details }: ServiceError, wasLetIn: boolean): StreamEnd['again'] {
  // The credential was good, and may have been followed by another; what was taken under it has been answered.
  if (code === status.UNAUTHENTICATED && wasLetIn) return 'all';
  if (REFUSALS.includes(code)) return 'none';
  // gRPC had nobody to give the stream to.
  return details.includes('No connection established') ? 'all' : 'harmless';
}
