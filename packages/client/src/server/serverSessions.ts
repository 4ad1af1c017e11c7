import type {
  CallOptions,
  EndedSession,
  EndReason,
  OfflineResult,
  OnlineRequest,
} from '../calls/messages.js';
import type { PresenceApi } from '../calls/presenceApi.js';
import type { Channel } from '../connection/channel.js';
import { isRejected, untilAnswered } from '../connection/untilAnswered.js';
import { LEASE_TTL_MS } from '../defaults.js';
import type { ImstateError } from '../shared/errors.js';
import type { SessionRef } from '../shared/session.js';
import { makeSessionId } from '../shared/sessionId.js';
import { Drain } from './drain.js';
import { type HeldSession, HeldSessions, refOf } from './heldSessions.js';
import { notify } from './notify.js';
import { PendingLogouts } from './pendingLogouts.js';
import { ServerLease } from './serverLease.js';
import type { ServerLogin, ServerLoginResult, ServerOptions } from './serverMessages.js';
import { SessionWatcher } from './sessionWatcher.js';

const DEFAULT_RESENDS_PER_SECOND = 10_000;
/** After so many failures of the lease in a row, more is wrong than that one daemon has stopped. */
const DISCONNECTED_AFTER = 2;
/** A session that ended, as far as is known. */
type Ended = SessionRef & Pick<EndedSession, 'reason'> & Partial<Pick<EndedSession, 'reasonText' | 'by'>>;

/** Ends after which the connection is of no use to anybody. After any other end the session is resent. */
const FINAL = new Set<EndReason | undefined>([
  'LOGOUT',
  'REPLACED',
  'EVICTED',
  'EXPIRED',
  'REJECTED',
  'UNKNOWN',
]);

/**
 * The sessions of one chat server, created by `client.server()`. A session stays online for as long as this
 * process runs and holds it. Renews the lease of the chat server, resends the sessions if the store lost
 * them, reports those that others end, and retries logins and logouts until they are answered, so that no
 * session is left behind.
 *
 * @example
 * ```ts
 * const server = client.server({ addr: '10.0.0.1:9000', onEnded: ({ sessionId }) => disconnect(sessionId) });
 * await server.ready;
 * const { sessionId } = await server.online({ userId: 'alice', deviceId: 'phone' });
 * await server.offline({ userId: 'alice', deviceId: 'phone', sessionId });
 * ```
 */
export class ServerSessions {
  /**
   * Resolves once the store has the lease and all sessions. Rejects if the lease ends before:
   * `INVALID_ARGUMENT`, `UNIMPLEMENTED`, `UNAUTHENTICATED`, `PERMISSION_DENIED`, `SUPERSEDED`, or
   * `UNAVAILABLE` after `close()`.
   */
  readonly ready: Promise<void>;
  /**
   * Resolves with the reason if the lease has ended for good: usually `SUPERSEDED`, by a later run of the
   * chat server. Does not resolve after `close()`.
   */
  readonly lost: Promise<ImstateError>;
  /** The run of the chat server, see {@link ServerOptions.incarnation}. */
  readonly incarnation: number;
  readonly #api: Pick<PresenceApi, 'online' | 'offline' | 'heartbeat'>;
  readonly #options: ServerOptions;
  readonly #timeoutMs: number;
  readonly #lease: ServerLease;
  readonly #held: HeldSessions;
  readonly #drain: Drain;
  readonly #pendingLogouts: PendingLogouts;
  readonly #closed = new AbortController();
  /** Failures of the lease since it was last renewed. */
  #failures = 0;

  /**
   * Starts the lease.
   *
   * @internal
   */
  constructor(
    channel: Channel,
    api: Pick<PresenceApi, 'online' | 'offline' | 'heartbeat'>,
    options: ServerOptions,
  ) {
    this.#api = api;
    this.#options = options;
    this.#timeoutMs = channel.timeouts.timeoutMs;
    this.#held = new HeldSessions(options.resendsPerSecond ?? DEFAULT_RESENDS_PER_SECOND);
    const { onDrain } = options;
    this.#drain = new Drain(this.#held, onDrain && ((session) => notify(onDrain, session)));
    this.#pendingLogouts = new PendingLogouts(api, {
      isHeld: (sessionId) => this.#held.get(sessionId) !== undefined,
      onError: (error) => notify(options.onError, error),
    });
    this.incarnation = options.incarnation ?? Math.floor(performance.timeOrigin);
    this.#lease = new ServerLease(channel, {
      serverAddr: options.addr,
      incarnation: this.incarnation,
      ttlMs: options.leaseTtlMs ?? LEASE_TTL_MS.default,
      resync: (signal) => this.#resync(signal),
      onRenewed: () => this.#onLeaseRenewed(),
      onDrain: (remainingMs) => {
        if (!this.#closed.signal.aborted) this.#drain.update(remainingMs);
      },
      onError: (error) => this.#onLeaseFailed(error),
    });
    this.ready = this.#lease.ready;
    this.lost = this.#lease.lost;
    this.#closed.signal.addEventListener('abort', () => this.#drain.stop(), { once: true });
    this.lost.then(() => this.#closed.abort());
    channel.onClosing(() => this.#closed.abort());
    void this.#watcher(channel).run();
  }

  /** The number of sessions that it holds. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * The deadline of a drain, and how many sessions were not passed to `onDrain` yet; undefined unless the chat server
   * drains. See {@link ServerOptions.onDrain}.
   */
  get draining(): { deadline: Date; left: number } | undefined {
    return this.#drain.progress;
  }

  /** The sessions that it holds. */
  [Symbol.iterator](): Generator<SessionRef> {
    return this.#held[Symbol.iterator]();
  }

  /**
   * Logs a device in, and retries until a daemon answers or the timeout is over. If the result has an
   * `endReason`, the session has already ended, or a policy rejected the login (`rejected`, with the sessions
   * that stand in its way): close the connection.
   *
   * Rejects like the calls of {@link Client}. A failed login is undone even if it was applied: log in again
   * with another session ID.
   */
  async online(login: ServerLogin, options: CallOptions = {}): Promise<ServerLoginResult> {
    const sessionId = login.sessionId ?? makeSessionId();
    const held = this.#held.add({ ...login, sessionId });
    this.#pendingLogouts.delete(sessionId);
    try {
      const result = await this.#held.callInTurn(held, () =>
        this.#untilAnswered((call) => this.#api.online(this.#requestOf(held), call), options),
      );
      held.loginTime = result.loginTime;
      const endReason = result.endReason ?? held.endReason;
      if (endReason !== undefined) this.#held.drop(held);
      return { ...result, sessionId, endReason };
    } catch (error) {
      if (this.#held.drop(held) && !isRejected(error)) this.#pendingLogouts.add(held.login);
      throw error;
    }
  }

  /**
   * Logs a session out, and retries until a daemon answers or the timeout is over. From now on the session is
   * not held any more, whatever the outcome. If the call rejects because no daemon answered in time, the
   * logout is made when a daemon answers again.
   *
   * Rejects like the calls of {@link Client}. `graceMs` is explained at {@link OfflineRequest.graceMs}.
   */
  async offline(
    session: SessionRef,
    { graceMs, ...options }: CallOptions & { graceMs?: number | undefined } = {},
  ): Promise<OfflineResult> {
    // The logout must not overtake a login in flight.
    await this.#held.remove(session.sessionId)?.inFlight;
    try {
      const request = { ...refOf(session), graceMs };
      return await this.#untilAnswered((call) => this.#api.offline(request, call), options);
    } catch (error) {
      if (!isRejected(error)) this.#pendingLogouts.add(session);
      throw error;
    }
  }

  /**
   * Renews the time to live of sessions, and passes those that have ended to {@link ServerOptions.onEnded}.
   * Needed only for sessions with `ttlMs`. Rejects like the calls of {@link Client}.
   */
  async heartbeat(sessions: Iterable<SessionRef>, options?: CallOptions): Promise<void> {
    const named = [...sessions].map(refOf);
    if (named.length === 0) return;
    const { ended } = await this.#api.heartbeat(named, options);
    for (const each of ended) this.#onEnded(each);
  }

  /** Stops renewing the lease: the sessions end when it runs out. Safe to call twice. */
  close(): void {
    this.#closed.abort();
    this.#lease.close();
  }

  #watcher(channel: Channel): SessionWatcher {
    return new SessionWatcher(channel, {
      serverAddr: this.#options.addr,
      signal: this.#closed.signal,
      onEnded: (ended) => this.#onEnded(ended),
      checkAll: (signal) => this.#held.forEach(signal, ({ login }) => this.heartbeat([login])),
      onError: (error) => notify(this.#options.onError, error),
    });
  }

  #requestOf({ login, loginTime }: HeldSession): OnlineRequest {
    const { addr } = this.#options;
    return { ...login, serverAddr: addr, serverIncarnation: this.incarnation, loginTime };
  }

  #untilAnswered<T>(call: (options: CallOptions) => Promise<T>, options: CallOptions): Promise<T> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    return untilAnswered(call, { timeoutMs, signal }, this.#closed.signal);
  }

  #onLeaseRenewed(): void {
    if (this.#failures >= DISCONNECTED_AFTER) notify(this.#options.onReconnected, undefined);
    this.#failures = 0;
    this.#pendingLogouts.repeat();
  }

  #onLeaseFailed(error: ImstateError): void {
    this.#failures += 1;
    if (this.#failures === DISCONNECTED_AFTER) notify(this.#options.onDisconnected, error);
    notify(this.#options.onError, error);
  }

  /** Passes the end of a session to the chat server, unless the result of a login in flight does. */
  #onEnded({ userId, deviceId, sessionId, reason, reasonText, by }: Ended): void {
    const held = this.#held.get(sessionId);
    if (held === undefined || !FINAL.has(reason)) return;
    if (held.loginTime === undefined) {
      held.endReason = reason;
      return;
    }
    this.#held.drop(held);
    const serverAddr = this.#options.addr;
    const ended = { userId, deviceId, sessionId, serverAddr, reason, reasonText, by };
    notify(this.#options.onEnded, ended);
  }

  /** Resends all sessions, at a limited rate. */
  #resync(signal: AbortSignal): Promise<void> {
    return this.#held.forEach(signal, (held) => this.#resend(held, signal));
  }

  async #resend(held: HeldSession, signal: AbortSignal): Promise<void> {
    try {
      const { endReason, replaced } = await this.#held.callInTurn(held, () =>
        // The policy was for the login. A resent session must not end sessions that began after it.
        this.#api.online({ ...this.#requestOf(held), policy: undefined }, { signal }),
      );
      if (endReason !== undefined) this.#onEnded({ ...refOf(held.login), reason: endReason });
      for (const ended of replaced) this.#onEnded(ended);
    } catch (error) {
      if (!isRejected(error)) throw error;
      this.#held.drop(held);
      notify(this.#options.onError, error);
    }
  }
}
