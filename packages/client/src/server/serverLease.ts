import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { isHandover, isUnimplemented } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import type { KeepServerAliveRequest } from '../generated/imstate/v1/KeepServerAliveRequest.js';
import type { KeepServerAliveResponse__Output } from '../generated/imstate/v1/KeepServerAliveResponse.js';
import { backoffMs } from '../shared/backoff.js';
import { type ErrorCode, ImstateError, messageOf } from '../shared/errors.js';
import { toDuration } from '../wire/duration.js';

/** Which lease to keep alive, and who is told of it. */
export interface ServerLeaseOptions {
  /** The chat server, host:port. */
  serverAddr: string;
  incarnation: number;
  /** How long the lease lasts after it was kept alive. Milliseconds. */
  ttlMs: number;
  /** Sends all sessions again; what it rejects with is told to onError, and it is called again. */
  resync(signal: AbortSignal): Promise<void>;
  /** The lease was kept alive. */
  onKept(): void;
  /** Something failed and is tried again. */
  onError(error: ImstateError): void;
}

const LEAST_TTL_MS = 1_000;
const MAX_TTL_MS = 3_600_000;
const FIRST_BACKOFF_MS = 50;
/** What no other try could change, unless it comes from a lease that was kept before. */
const FINAL_AT_FIRST = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'UNIMPLEMENTED',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
]);

type Stream = ClientDuplexStream<KeepServerAliveRequest, KeepServerAliveResponse__Output>;

/**
 * The lease of a chat server, kept alive: a message every third of its time, on a stream that is opened again, by
 * round robin to another daemon, whenever it breaks or an answer does not come.
 */
export class ServerLease {
  /** Resolves once the lease is kept and the store has all sessions; rejects if the lease ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason if the lease has ended for good, such as SUPERSEDED; close() is no such reason. */
  readonly lost: Promise<ImstateError>;
  readonly #channel: Channel;
  readonly #options: ServerLeaseOptions;
  readonly #ttlMs: number;
  readonly #over = new AbortController();
  #tellReady!: { resolve(): void; reject(error: ImstateError): void };
  #tellLost!: (error: ImstateError) => void;
  #stream: Stream | undefined;
  /** See LegacyServers.generation, when the stream was opened. */
  #generation = 0;
  #timer: NodeJS.Timeout | undefined;
  /** How often it failed since the last answer. */
  #failures = 0;
  #hasAnswered = false;
  #isAnswerDue = false;
  /** True if the last answer was that the daemon cannot reach part of the store: another daemon may. */
  #isPartial = false;
  #isResyncing = false;
  /** The token of the resync that is done, until an answer says that the store knows; "" if there is none. */
  #resynced = '';
  /** What the last message said in `resynced`. */
  #saidResynced = '';

  /** Opens the first stream at once. */
  constructor(channel: Channel, options: ServerLeaseOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#ttlMs = checkTtl(options.ttlMs);
    this.ready = new Promise((resolve, reject) => {
      this.#tellReady = { resolve, reject };
    });
    // Nobody has to wait for it.
    this.ready.catch(() => {});
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
    this.#open();
  }

  /** Keeps the lease alive no longer: it runs out, and its sessions end then. May be called twice. */
  close(): void {
    this.#end(new ImstateError('UNAVAILABLE', 'the lease is closed: make another'));
  }

  #open(): void {
    let stream: Stream;
    this.#generation = this.#channel.legacyServers.generation;
    try {
      stream = this.#channel.open(
        () => this.#channel.presenceService.KeepServerAlive(),
        () => this.close(),
      );
    } catch (error) {
      this.#end(error as ImstateError);
      return;
    }
    this.#stream = stream;
    stream.on('data', (answer: KeepServerAliveResponse__Output) => {
      if (stream === this.#stream) this.#take(answer);
    });
    stream.on('error', (error: ServiceError) => {
      if (isHandover(error) && stream === this.#stream) this.#move();
      else this.#fail(stream, this.#channel.explain(error, this.#ttlMs / 3));
    });
    stream.on('status', () => this.#fail(stream, unavailable('the daemon ended the stream')));
    this.#send(stream);
  }

  #send(stream: Stream): void {
    const { serverAddr, incarnation } = this.#options;
    const timeToLive = toDuration(this.#ttlMs);
    this.#saidResynced = this.#resynced;
    this.#isAnswerDue = true;
    stream.write({ serverAddr, incarnation, timeToLive, resynced: this.#resynced });
    // A try that follows a failure gives up sooner: there must be time for another before the lease runs out.
    const limitMs = this.#failures === 0 ? this.#ttlMs / 3 : this.#ttlMs / 6;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#isAnswerDue) this.#fail(stream, unavailable(`no answer within ${Math.round(limitMs)} ms`));
      else if (this.#isPartial) this.#move();
      else this.#send(stream);
    }, limitMs);
  }

  /** Goes on with another daemon, by round robin; with the same one if there is no other. */
  #move(): void {
    this.#leave();
    this.#open();
  }

  #take({ resync, resyncToken, partial }: KeepServerAliveResponse__Output): void {
    this.#isAnswerDue = false;
    this.#isPartial = partial;
    this.#hasAnswered = true;
    this.#failures = 0;
    this.#options.onKept();
    if (!resync) {
      this.#resynced = '';
      this.#tellReady.resolve();
    } else if (this.#resynced === resyncToken && this.#saidResynced !== resyncToken) {
      this.#sayResynced();
    } else {
      this.#resynced = '';
      void this.#resync(resyncToken);
    }
  }

  /** Sends all sessions again, and says so. If that fails, the next answer asks for it again. */
  async #resync(token: string): Promise<void> {
    if (this.#isResyncing) return;
    this.#isResyncing = true;
    try {
      await this.#options.resync(this.#over.signal);
      this.#resynced = token;
      this.#sayResynced();
    } catch (error) {
      if (!this.#over.signal.aborted) this.#options.onError(toImstateError(error));
    } finally {
      this.#isResyncing = false;
    }
  }

  /** At once, or when the answer that is due has come, which asks for it again. */
  #sayResynced(): void {
    if (this.#stream !== undefined && !this.#isAnswerDue) this.#send(this.#stream);
  }

  #fail(stream: Stream, error: ImstateError): void {
    if (stream !== this.#stream) return;
    this.#leave();
    if (isUnimplemented(error)) void this.#tryOthers(error);
    else this.#failed(error);
  }

  /** A legacy server keeps no leases: another server may. */
  async #tryOthers(error: ImstateError): Promise<void> {
    const hasOthers = await this.#channel.legacyServers.hasOthers(this.#generation);
    if (this.#over.signal.aborted) return;
    if (hasOthers) this.#open();
    else this.#failed(error);
  }

  #failed(error: ImstateError): void {
    if (this.#isFinal(error)) {
      this.#tellLost(error);
      this.#end(error);
      return;
    }
    this.#failures += 1;
    const waitMs = backoffMs(this.#failures, FIRST_BACKOFF_MS, this.#ttlMs / 6);
    this.#timer = setTimeout(() => this.#open(), waitMs);
    this.#options.onError(error);
  }

  /** A lease that has been kept outlives what one daemon of another version may say, and a token that is being replaced. */
  #isFinal({ code }: ImstateError): boolean {
    if (code === 'SUPERSEDED') return true;
    return !this.#hasAnswered && FINAL_AT_FIRST.has(code);
  }

  #end(error: ImstateError): void {
    this.#leave();
    this.#over.abort(error);
    this.#tellReady.reject(error);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
  }
}

function checkTtl(ttlMs: number): number {
  if (ttlMs >= LEAST_TTL_MS && ttlMs <= MAX_TTL_MS) return ttlMs;
  const rule = `leaseTtlMs must be from ${LEAST_TTL_MS} to ${MAX_TTL_MS}`;
  throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'leaseTtlMs' });
}

function unavailable(message: string): ImstateError {
  return new ImstateError('UNAVAILABLE', `the lease was not kept alive: ${message}`);
}

function toImstateError(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  return new ImstateError('INTERNAL', messageOf(error), { cause: error });
}
