import { isUnimplemented } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import { isRejected } from '../connection/untilAnswered.js';
import { LEASE_TTL_MS } from '../defaults.js';
import type { KeepServerAliveResponse__Output } from '../generated/imstate/v1/KeepServerAliveResponse.js';
import { backoffMs } from '../shared/backoff.js';
import { ImstateError, messageOf } from '../shared/errors.js';
import { fromDuration, toDuration } from '../wire/duration.js';
import { LeaseStream } from './leaseStream.js';

/** Which lease to renew, and its callbacks. */
export interface ServerLeaseOptions {
  /** The chat server, `host:port`. */
  serverAddr: string;
  incarnation: number;
  /** How long the lease lasts after each renewal. Milliseconds. */
  ttlMs: number;
  /** Resends all sessions. If it rejects, onError receives the error, and it is called again. */
  resync(signal: AbortSignal): Promise<void>;
  /** The lease was renewed. */
  onRenewed(): void;
  /** How long a drain has left, in milliseconds; undefined if there is none. Called with each renewal that knows. */
  onDrain(remainingMs: number | undefined): void;
  /** Something failed and is retried. */
  onError(error: ImstateError): void;
}

const FIRST_BACKOFF_MS = 50;

/**
 * The lease of a chat server. It is renewed every third of its time, on a stream that is opened again, round
 * robin on another daemon, whenever it breaks or a response does not arrive.
 */
export class ServerLease {
  /** Resolves once the store has the lease and all sessions; rejects if the lease ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason if the lease has ended for good, such as SUPERSEDED; not after close(). */
  readonly lost: Promise<ImstateError>;
  readonly #channel: Channel;
  readonly #options: ServerLeaseOptions;
  readonly #ttlMs: number;
  readonly #closed = new AbortController();
  #resolveReady!: () => void;
  #rejectReady!: (error: ImstateError) => void;
  #resolveLost!: (error: ImstateError) => void;
  #stream: LeaseStream | undefined;
  #backoff: NodeJS.Timeout | undefined;
  /** Failures since the last response. */
  #failures = 0;
  #wasRenewed = false;
  /** Whether the daemon of the last response cannot reach part of the store: another one may. */
  #isPartial = false;
  #isResyncing = false;
  /** The token of the completed resync, until a response shows that the store knows; "" if there is none. */
  #resyncedToken = '';
  /** The token in the last message. */
  #sentToken = '';

  /** Opens the first stream at once. */
  constructor(channel: Channel, options: ServerLeaseOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#ttlMs = checkTtl(options.ttlMs);
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // Waiting for it is optional.
    this.ready.catch(() => {});
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
    this.#open();
  }

  /** Stops renewing the lease: it runs out, and its sessions end then. Safe to call twice. */
  close(): void {
    this.#end(new ImstateError('UNAVAILABLE', 'the lease is closed: make another'));
  }

  #open(): void {
    try {
      this.#stream = new LeaseStream(this.#channel, this.#ttlMs, {
        onResponse: (response) => this.#receive(response),
        onDue: () => (this.#isPartial ? this.#move() : this.#send()),
        onHandover: () => this.#move(),
        onFailure: (error) => this.#onFailure(error),
        onClosing: () => this.close(),
      });
    } catch (error) {
      this.#end(error as ImstateError);
      return;
    }
    this.#send();
  }

  #send(): void {
    const { serverAddr, incarnation } = this.#options;
    const timeToLive = toDuration(this.#ttlMs);
    this.#sentToken = this.#resyncedToken;
    // After a failure there must be time for another try before the lease runs out.
    const limitMs = this.#failures === 0 ? this.#ttlMs / 3 : this.#ttlMs / 6;
    this.#stream?.send({ serverAddr, incarnation, timeToLive, resynced: this.#resyncedToken }, limitMs);
  }

  /** Continues on another daemon, by round robin; on the same one if there is no other. */
  #move(): void {
    this.#closeStream();
    this.#open();
  }

  #receive({ resync, resyncToken, partial, drain }: KeepServerAliveResponse__Output): void {
    this.#isPartial = partial;
    this.#wasRenewed = true;
    this.#failures = 0;
    this.#options.onRenewed();
    if (drain) this.#options.onDrain(fromDuration(drain.remaining) ?? 0);
    // Otherwise the part of the store that does not answer may know of a drain.
    else if (!partial) this.#options.onDrain(undefined);
    if (!resync) {
      this.#resyncedToken = '';
      this.#resolveReady();
    } else if (this.#resyncedToken === resyncToken && this.#sentToken !== resyncToken) {
      this.#reportResync();
    } else {
      this.#resyncedToken = '';
      void this.#resync(resyncToken);
    }
  }

  /** Resends all sessions, and reports it. If that fails, the next response requests it again. */
  async #resync(token: string): Promise<void> {
    if (this.#isResyncing) return;
    this.#isResyncing = true;
    try {
      await this.#options.resync(this.#closed.signal);
      this.#resyncedToken = token;
      this.#reportResync();
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#options.onError(toImstateError(error));
    } finally {
      this.#isResyncing = false;
    }
  }

  /** Reports it at once, or after the response that is due, which requests it again. */
  #reportResync(): void {
    if (this.#stream?.isResponseDue === false) this.#send();
  }

  #onFailure(error: ImstateError): void {
    const generation = this.#stream?.generation ?? 0;
    this.#closeStream();
    if (isUnimplemented(error)) void this.#tryOthers(error, generation);
    else this.#retryAfter(error);
  }

  /** A legacy server has no leases; another server may. */
  async #tryOthers(error: ImstateError, generation: number): Promise<void> {
    const hasOthers = await this.#channel.legacyServers.hasOthers(generation);
    if (this.#closed.signal.aborted) return;
    if (hasOthers) this.#open();
    else this.#retryAfter(error);
  }

  #retryAfter(error: ImstateError): void {
    if (this.#isFinal(error)) {
      this.#resolveLost(error);
      this.#end(error);
      return;
    }
    this.#failures += 1;
    const waitMs = backoffMs(this.#failures, FIRST_BACKOFF_MS, this.#ttlMs / 6);
    this.#backoff = setTimeout(() => this.#open(), waitMs);
    this.#options.onError(error);
  }

  /**
   * Once renewed, a lease survives a rejection by a daemon of another version, or while a token is being
   * replaced.
   */
  #isFinal(error: ImstateError): boolean {
    return error.code === 'SUPERSEDED' || (!this.#wasRenewed && isRejected(error));
  }

  #end(error: ImstateError): void {
    this.#closeStream();
    this.#closed.abort(error);
    this.#rejectReady(error);
  }

  #closeStream(): void {
    clearTimeout(this.#backoff);
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.close();
  }
}

function checkTtl(ttlMs: number): number {
  const { min, max } = LEASE_TTL_MS;
  if (ttlMs >= min && ttlMs <= max) return ttlMs;
  const rule = `leaseTtlMs must be from ${min} to ${max}`;
  throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'leaseTtlMs' });
}

function toImstateError(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  return new ImstateError('INTERNAL', messageOf(error), { cause: error });
}
