import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  CallOptions,
  EndedSession,
  EndReason,
  OfflineResult,
  OnlineRequest,
} from '../calls/messages.js';
import type { PresenceApi } from '../calls/presenceApi.js';
import type { Channel } from '../connection/channel.js';
import { isRefused, untilAnswered } from '../connection/untilAnswered.js';
import { LEASE_TTL_MS } from '../defaults.js';
import type { ImstateError } from '../shared/errors.js';
import type { SessionRef } from '../shared/session.js';
import { Watch } from '../watch/watch.js';
import { ServerLease } from './serverLease.js';
import type { ServerLogin, ServerLoginResult, ServerOptions } from './serverMessages.js';

/** A session that the chat server holds. */
interface Held {
  readonly login: ServerLogin & { sessionId: string };
  loginTime: Date | undefined;
  /** The call of it that is under way; settles in any case. */
  busy: Promise<unknown>;
  /** Why it ended while its login was under way. */
  endReason: EndReason | undefined;
}

/** How often sessions are sent again in one go: a part of a second's worth, and then a pause. */
const RESENDS_STEP_MS = 50;
/** Before what failed in the background is tried again. */
const PAUSE_MS = 1_000;
const SESSION_ID_BYTES = 12;
/** Failures in a row that say more than that one daemon has stopped: the next try goes to another. */
const AWAY = 2;
/** Nobody who closes the connection of such a session closes one that anybody wants. */
const FINAL = new Set<EndReason | undefined>(['LOGOUT', 'REPLACED', 'EVICTED', 'EXPIRED', 'UNKNOWN']);

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
  readonly #over = new AbortController();
  readonly #held = new Map<string, Held>();
  /** Logouts that were not answered: made again when a daemon is there. */
  readonly #owed = new Map<string, SessionRef>();
  /** How often the lease was not kept alive since it was. */
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
    this.incarnation = options.incarnation ?? Math.floor(performance.timeOrigin);
    this.#lease = new ServerLease(channel, {
      serverAddr: options.addr,
      incarnation: this.incarnation,
      ttlMs: options.leaseTtlMs ?? LEASE_TTL_MS,
      resync: (signal) => this.#resync(signal),
      onKept: () => this.#kept(),
      onError: (error) => this.#failed(error),
    });
    this.ready = this.#lease.ready;
    this.lost = this.#lease.lost;
    this.lost.then(() => this.#over.abort());
    channel.onClosing(() => this.#over.abort());
    void this.#follow(channel);
  }

  /** The number of sessions that it holds. */
  get size(): number {
    return this.#held.size;
  }

  /** The sessions that it holds. */
  *[Symbol.iterator](): Generator<SessionRef> {
    for (const { login } of this.#held.values()) yield refOf(login);
  }

  /**
   * Logs a device in, and retries until a daemon answers or the timeout is over. If the result has an
   * `endReason`, the session has already ended: close the connection.
   *
   * Rejects like the calls of {@link Client}. A failed login is undone even if it was applied: log in again
   * with another session ID.
   */
  async online(login: ServerLogin, options: CallOptions = {}): Promise<ServerLoginResult> {
    const sessionId = login.sessionId ?? randomBytes(SESSION_ID_BYTES).toString('base64url');
    const before = this.#held.get(sessionId);
    const held: Held = {
      login: { ...login, sessionId },
      loginTime: before?.loginTime,
      busy: Promise.resolve(),
      endReason: undefined,
    };
    this.#held.set(sessionId, held);
    this.#owed.delete(sessionId);
    try {
      const result = await this.#occupy(held, before?.busy, () =>
        this.#untilAnswered((call) => this.#api.online(this.#requestOf(held), call), options),
      );
      held.loginTime = result.loginTime;
      const endReason = result.endReason ?? held.endReason;
      if (endReason !== undefined) this.#drop(held);
      return { ...result, sessionId, endReason };
    } catch (error) {
      if (this.#drop(held) && !isRefused(error)) this.#owe(held.login);
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
    const held = this.#held.get(session.sessionId);
    this.#held.delete(session.sessionId);
    // The two might overtake each other.
    await held?.busy;
    try {
      const request = { ...refOf(session), graceMs };
      return await this.#untilAnswered((call) => this.#api.offline(request, call), options);
    } catch (error) {
      if (!isRefused(error)) this.#owe(session);
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
    for (const each of ended) this.#ended(each);
  }

  /** Stops renewing the lease: the sessions end when it runs out. Safe to call twice. */
  close(): void {
    this.#over.abort();
    this.#lease.close();
  }

  #requestOf({ login, loginTime }: Held): OnlineRequest {
    const { addr } = this.#options;
    return { ...login, serverAddr: addr, serverIncarnation: this.incarnation, loginTime };
  }

  /** One call of a session after the other. */
  #occupy<T>(held: Held, before: Promise<unknown> | undefined, call: () => Promise<T>): Promise<T> {
    const made = (before ?? Promise.resolve()).then(call);
    held.busy = made.catch(() => {});
    return made;
  }

  #untilAnswered<T>(call: (options: CallOptions) => Promise<T>, options: CallOptions): Promise<T> {
    const timed = { ...options, timeoutMs: options.timeoutMs ?? this.#timeoutMs };
    return untilAnswered(call, timed, this.#over.signal);
  }

  /** Returns whether it was held. */
  #drop(held: Held): boolean {
    const { sessionId } = held.login;
    return this.#held.get(sessionId) === held && this.#held.delete(sessionId);
  }

  #owe(session: SessionRef): void {
    this.#owed.set(session.sessionId, refOf(session));
  }

  #kept(): void {
    const { onReconnected, onError } = this.#options;
    if (this.#failures >= AWAY) tell(onReconnected, undefined);
    this.#failures = 0;
    for (const [sessionId, session] of this.#owed) {
      this.#owed.delete(sessionId);
      this.#api.offline(session).catch((error: ImstateError) => {
        if (isRefused(error)) tell(onError, error);
        else if (!this.#held.has(sessionId)) this.#owe(session);
      });
    }
  }

  #failed(error: ImstateError): void {
    this.#failures += 1;
    if (this.#failures === AWAY) tell(this.#options.onDisconnected, error);
    tell(this.#options.onError, error);
  }

  /**
   * A session of this chat server has ended; the chat server is told, unless a login is under way that
   * answers it.
   */
  #ended({ sessionId, reason, ...ended }: Omit<EndedSession, 'serverAddr'>): void {
    const held = this.#held.get(sessionId);
    if (held === undefined || !FINAL.has(reason)) return;
    if (held.loginTime === undefined) {
      held.endReason = reason;
      return;
    }
    this.#drop(held);
    tell(this.#options.onEnded, { ...ended, sessionId, serverAddr: this.#options.addr, reason });
  }

  /** Sends all sessions again, so many a second. */
  async #resync(signal: AbortSignal): Promise<void> {
    await this.#eachHeld(signal, async (held) => {
      const { login } = held;
      // Its policy was for the login: sent again, the session must not end those that came later.
      const request = () => ({ ...this.#requestOf(held), policy: undefined });
      const send = () => this.#api.online(request(), { signal });
      const { endReason, replaced } = await this.#occupy(held, held.busy, send).catch(
        (error: ImstateError) => {
          if (!isRefused(error)) throw error;
          this.#drop(held);
          tell(this.#options.onError, error);
          return { endReason: undefined, replaced: [] };
        },
      );
      if (endReason !== undefined) this.#ended({ ...refOf(login), reason: endReason });
      for (const ended of replaced) this.#ended(ended);
    });
  }

  /** Asks which sessions are over, when that could not be watched; until it is answered. */
  async #reconcile(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        await this.#eachHeld(signal, ({ login }) => this.heartbeat([login]));
        return;
      } catch (error) {
        await this.#pauseAfter(error);
      }
    }
  }

  async #pauseAfter(error: unknown): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return;
    tell(this.#options.onError, error as ImstateError);
    await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
  }

  /**
   * Does something with each session that is held now and still is when its turn comes, once its login is
   * answered.
   */
  async #eachHeld(signal: AbortSignal, use: (held: Held) => Promise<void>): Promise<void> {
    const { resendsPerSecond = 10_000 } = this.#options;
    const step = Math.max(1, Math.floor((resendsPerSecond * RESENDS_STEP_MS) / 1_000));
    const pauseMs = (step / resendsPerSecond) * 1_000;
    const all = [...this.#held.values()];
    for (let i = 0; i < all.length; i += step) {
      const startedAt = performance.now();
      const some = all.slice(i, i + step).map(async (held) => {
        await held.busy;
        if (this.#held.get(held.login.sessionId) === held) await use(held);
      });
      // Also those that another's failure stops are waited for: what they send may have been applied.
      const results = await Promise.allSettled(some);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      const restMs = pauseMs - (performance.now() - startedAt);
      if (i + step < all.length && restMs > 0) await delay(restMs, undefined, { signal });
      signal.throwIfAborted();
    }
  }

  /** Watches the own sessions, for as long as the lease lasts. */
  async #follow(channel: Channel): Promise<void> {
    const { addr } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      // What ended before the watch was not told.
      let mustReconcile = true;
      try {
        for await (const event of new Watch(channel, { servers: [addr], initialState: false, signal })) {
          if (event.type === 'change' && event.ended?.serverAddr === addr) this.#ended(event.ended);
          if (event.type === 'lost') mustReconcile = true;
          if (event.type === 'synced' && mustReconcile) {
            mustReconcile = false;
            void this.#reconcile();
          }
        }
      } catch (error) {
        await this.#pauseAfter(error);
        if ((error as ImstateError).code === 'UNIMPLEMENTED') return;
      }
    }
  }
}

function refOf({ userId, deviceId, sessionId }: SessionRef): SessionRef {
  return { userId, deviceId, sessionId };
}

/** On its own: what a listener throws is not taken for a failure of the call that brought the news. */
function tell<T>(listener: ((news: T) => void) | undefined, news: T): void {
  if (listener) queueMicrotask(() => listener(news));
}
