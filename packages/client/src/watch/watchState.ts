import type { WatchResponse__Output } from '../generated/imstate/v1/WatchResponse.js';
import { backoffMs } from '../shared/backoff.js';
import { type ErrorCode, ImstateError } from '../shared/errors.js';
import { DeliveredChanges } from './deliveredChanges.js';
import type { WatchedUsers } from './watchedUsers.js';
import type { WatchEvent } from './watchMessages.js';

const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;
/** Errors that no retry could fix. */
const FINAL = new Set<ErrorCode>(['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED']);
/**
 * These too, until a daemon has responded. Later they pass: a daemon may have another version, or all may be
 * gone.
 */
const FINAL_AT_START = new Set<ErrorCode>([
  'UNIMPLEMENTED',
  'NO_ENDPOINT',
  'REGISTRY_UNAVAILABLE',
  'TLS_FAILED',
  'RESOURCE_EXHAUSTED',
]);

/** Errors of a watch that begins at a time, which no retry could fix. */
const TIME_FINAL = new Set<ErrorCode>(['OUT_OF_RANGE', 'UNIMPLEMENTED']);

/** Options of a {@link WatchState}. */
export interface WatchStateOptions {
  /** Undefined for a watch of another scope than users. */
  users: WatchedUsers | undefined;
  /** "" to start with a snapshot. */
  resumeRevision: string;
  /** Whether the watch begins at a time, and not at a revision or now. */
  resumesAtTime: boolean;
  /** Whether the watch delivers snapshots. */
  hasSnapshots: boolean;
  /** How long to try before a daemon has responded. Milliseconds. */
  connectTimeoutMs: number;
}

/** What a watch has received over all of its streams, and what follows from that. It does no I/O. */
export class WatchState {
  readonly #options: WatchStateOptions;
  readonly #delivered = new DeliveredChanges();
  #revision: string;
  /** Whether the reader has a state that a missed change would make wrong. */
  #hasDelivered: boolean;
  #resumesAtTime: boolean;
  #hasResponse = false;
  /** Whether the current or last stream has a response. */
  #streamHasResponse = false;
  #startedAt = 0;
  #streamOpenedAt = 0;
  /** True from `disconnected` to `reconnected`. */
  #isDisconnected = false;
  /** Failed streams since one lasted. */
  #failures = 0;
  #coalesced = { before: 0, onStream: 0 };

  constructor(options: WatchStateOptions) {
    this.#options = options;
    this.#revision = options.resumeRevision;
    this.#hasDelivered = options.resumeRevision !== '';
    this.#resumesAtTime = options.resumesAtTime;
  }

  /** The revision of the last delivered event; "" before the first snapshot is complete. */
  get revision(): string {
    return this.#revision;
  }

  /** Whether any daemon has responded. */
  get hasResponse(): boolean {
    return this.#hasResponse;
  }

  get coalesced(): number {
    return this.#coalesced.before + this.#coalesced.onStream;
  }

  /** Whether the next stream has to begin at the time of the options: no revision is known instead. */
  get resumesAtTime(): boolean {
    return this.#resumesAtTime;
  }

  /** Starts a stream; returns whether it resumes. */
  beginStream(): boolean {
    this.#streamOpenedAt = performance.now();
    this.#startedAt ||= this.#streamOpenedAt;
    this.#streamHasResponse = false;
    if (this.#options.users?.canResume === false) this.#revision = '';
    return this.#revision !== '';
  }

  endStream(): void {
    this.#coalesced = { before: this.coalesced, onStream: 0 };
  }

  /** Records a response; returns whether it is the first one after `disconnected`. */
  beginResponse({ coalesced, resumedRevision }: WatchResponse__Output): boolean {
    if (this.#resumesAtTime) this.#resumeAt(resumedRevision);
    this.#hasResponse = true;
    this.#streamHasResponse = true;
    this.#coalesced.onStream = coalesced;
    if (performance.now() - this.#streamOpenedAt > MAX_BACKOFF_MS) this.#failures = 0;
    const isReconnected = this.#isDisconnected;
    this.#isDisconnected = false;
    return isReconnected;
  }

  #resumeAt(revision: string): void {
    if (revision === '') {
      const message = 'the daemon cannot begin a watch at a time: it needs version 0.2.0; upgrade it';
      throw new ImstateError('UNIMPLEMENTED', message, { field: 'resume_time' });
    }
    this.#revision = revision;
    this.#resumesAtTime = false;
    this.#hasDelivered = true;
  }

  /** Records an event of a response that is about to be delivered; false if it must not be. */
  apply(event: WatchEvent, response: WatchResponse__Output): boolean {
    const { users, hasSnapshots } = this.#options;
    if ('userId' in event && users?.has(event.userId) === false) return false;
    if (event.type === 'snapshot' && !hasSnapshots) return false;
    if (event.type === 'change' && !this.#delivered.add(event.revision)) return false;
    if (event.type === 'synced') users?.sync();
    // Until the first snapshot is complete, responses have no revision: nothing can be resumed.
    if ('revision' in event && response.revision !== '') this.#revision = event.revision;
    if (event.type !== 'lagging' && event.type !== 'caughtUp') this.#hasDelivered = true;
    return true;
  }

  /** Records that all events of a response have been delivered. */
  endResponse({ revision }: WatchResponse__Output): void {
    if (revision !== '') this.#revision = revision;
  }

  /** Whether the watch ends with this error. */
  isFinal({ code }: ImstateError): boolean {
    // A credential that was accepted may have been replaced by another one.
    if (code === 'UNAUTHENTICATED' && this.#streamHasResponse) return false;
    if (FINAL.has(code) || (this.#resumesAtTime && TIME_FINAL.has(code))) return true;
    if (this.#hasResponse || code === 'OUT_OF_RANGE') return false;
    const elapsedMs = performance.now() - this.#startedAt;
    return FINAL_AT_START.has(code) || elapsedMs > this.#options.connectTimeoutMs;
  }

  /** The events for an error after which the watch continues. */
  *recover(error: ImstateError): Generator<WatchEvent> {
    if (error.code === 'OUT_OF_RANGE') this.#revision = '';
    else if (this.#hasResponse && !this.#isDisconnected) {
      this.#isDisconnected = true;
      yield { type: 'disconnected', error };
    }
    // An incomplete snapshot cannot be resumed either.
    if (this.#revision === '' && this.#hasDelivered) {
      this.#hasDelivered = false;
      this.#options.users?.reset();
      yield { type: 'lost', reason: error.message };
    }
  }

  /** Counts a failed stream; returns how long to wait before the next. */
  nextBackoffMs(): number {
    this.#failures += 1;
    return backoffMs(this.#failures, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
  }
}
