import type { ListAuditRequest } from './calls/audit.js';
import { isUnimplemented } from './calls/callErrors.js';
import type {
  DrainServerRequest,
  EvictRequest,
  ListHistoryRequest,
  ListSessionsRequest,
  PageRequest,
} from './calls/listings.js';
import type {
  CallOptions,
  GetUserRequest,
  GetUsersOptions,
  OfflineRequest,
  OnlineRequest,
} from './calls/messages.js';
import type { ValidateLoginRequest } from './calls/policies.js';
import type { PresenceApi } from './calls/presenceApi.js';
import { presenceServiceApi } from './calls/presenceServiceApi.js';
import type { ClaimRelayRequest, CommitRelayRequest } from './calls/relays.js';
import type { FinishUpgradeRequest } from './calls/upgrade.js';
import { userStatusApi } from './calls/userStatusApi.js';
import { type Access, Channel } from './connection/channel.js';
import type { ClientOptions } from './connection/clientOptions.js';
import type { Discovery } from './connection/discovery.js';
import type { ServerOptions } from './server/serverMessages.js';
import { ServerSessions } from './server/serverSessions.js';
import type { Policy } from './shared/policy.js';
import type { SessionRef } from './shared/session.js';
import { Watch } from './watch/watch.js';
import type { WatchOptions } from './watch/watchMessages.js';

/**
 * A client of the daemons, created by `connect()`. It follows the endpoints and balances calls round robin.
 * Close it with `close()`. If all endpoints are legacy servers, it calls `pb.UserStatus`, as far as that
 * service goes.
 *
 * Every call rejects with an {@link ImstateError}, or with the reason of {@link CallOptions.signal}. Its code
 * is `INVALID_ARGUMENT` for an invalid field, `NO_ENDPOINT` or `REGISTRY_UNAVAILABLE` if there is no daemon
 * to call, `UNAVAILABLE` or `TLS_FAILED` if none responds, `DEADLINE_EXCEEDED` after the timeout,
 * `RESOURCE_EXHAUSTED` beyond a limit, `UNAUTHENTICATED` or `PERMISSION_DENIED` for a missing right, and
 * `UNIMPLEMENTED` from a server that does not know the call. Reads and heartbeats are retried on another
 * daemon. A login or logout is retried only if no daemon accepted it; the message of the error states whether
 * the change may have been applied.
 */
export class Client implements PresenceApi {
  readonly #discovery: Discovery;
  readonly #channel: Channel;
  readonly #presenceService: PresenceApi;
  readonly #userStatus: PresenceApi;

  /**
   * Owns the discovery: close() closes it.
   *
   * @internal
   */
  constructor(discovery: Discovery, options: ClientOptions, access: Access) {
    this.#discovery = discovery;
    this.#channel = new Channel(discovery, options, access);
    this.#presenceService = presenceServiceApi(this.#channel);
    this.#userStatus = userStatusApi(this.#channel);
  }

  /**
   * Logs a device in, and ends the sessions that the login replaces. Name a `sessionId` to make the call safe
   * to repeat. In a chat server, prefer {@link Client.server}. If a session policy rejects the login, the result
   * is {@link OnlineResult.rejected}.
   *
   * Rejects with `RESOURCE_EXHAUSTED` if the user has too many devices online, and with `INVALID_ARGUMENT` for a
   * policy that does not exist.
   *
   * @example
   * ```ts
   * const { sessionId, replaced } = await client.online({
   *   userId: 'alice',
   *   deviceId: 'phone',
   *   serverAddr: '10.0.0.1:9000',
   *   ttlMs: 60_000,
   * });
   * ```
   */
  online(request: OnlineRequest, options?: CallOptions) {
    return this.#call((api) => api.online(request, options));
  }

  /** Logs a device out. Name the `sessionId`, so that a late logout cannot end a newer session. */
  offline(request: OfflineRequest, options?: CallOptions) {
    return this.#call((api) => api.offline(request, options));
  }

  /** Renews the time to live of one or more sessions, and returns those that have ended. */
  heartbeat(sessions: SessionRef[], options?: CallOptions) {
    return this.#call((api) => api.heartbeat(sessions, options));
  }

  /**
   * Reads a user with all devices, or one device, at one instant. A user that is not known is offline,
   * without devices.
   *
   * @example
   * ```ts
   * const { devices } = await client.getUser({ userId: 'alice' });
   * for (const { online, serverAddr, sessionId } of devices) if (online) forward(serverAddr, sessionId);
   * ```
   */
  getUser(request: GetUserRequest, options?: CallOptions) {
    return this.#call((api) => api.getUser(request, options));
  }

  /**
   * Reads any number of users, in the order of their IDs. The call is divided into requests of at most 500
   * users.
   */
  getUsers(userIds: string[], options?: GetUsersOptions) {
    return this.#call((api) => api.getUsers(userIds, options));
  }

  /**
   * Finds where to deliver a message for any number of users: the sessions at each chat server, and the users
   * who are offline. The call is divided into requests of at most 500 users; a repeated user counts once.
   *
   * Rejects with `UNIMPLEMENTED` on daemons before version 0.2.0.
   *
   * @example
   * ```ts
   * const { servers, offline } = await client.route(members);
   * for (const { serverAddr, sessions } of servers) forward(serverAddr, sessions, message);
   * push(offline, message);
   * ```
   */
  route(userIds: string[], options?: CallOptions) {
    return this.#call((api) => api.route(userIds, options));
  }

  /** Lists the current and past sessions of a user, as far back as the daemon keeps them. */
  listHistory(request: ListHistoryRequest, options?: CallOptions) {
    return this.#call((api) => api.listHistory(request, options));
  }

  /**
   * Lists current sessions, of one chat server or of all. With `userIdPrefix`, `deviceId` or `sessionId` it
   * is a search without an index: a call compares up to 10,000 sessions and may find none, so follow
   * `nextPageToken`. A daemon of an earlier version cannot search: `UNIMPLEMENTED`.
   *
   * @example
   * ```ts
   * let pageToken: string | undefined;
   * do {
   *   const page = await client.listSessions({ serverAddr: '10.0.0.1:9000', pageToken });
   *   for (const { userId, device } of page.sessions) console.log(userId, device.deviceId);
   *   pageToken = page.nextPageToken;
   * } while (pageToken !== undefined);
   * ```
   */
  listSessions(request: ListSessionsRequest = {}, options?: CallOptions) {
    return this.#call((api) => api.listSessions(request, options));
  }

  /** Lists the chat servers that have sessions or a lease, by address. */
  listServers(request: PageRequest = {}, options?: CallOptions) {
    return this.#call((api) => api.listServers(request, options));
  }

  /** Counts what is online. */
  getStats(options?: CallOptions) {
    return this.#call((api) => api.getStats(options));
  }

  /**
   * Lists what administrators did and were denied, newest first. Needs the role `admin`, and daemons of version
   * 0.2.0 or later.
   */
  listAudit(request: ListAuditRequest = {}, options?: CallOptions) {
    return this.#call((api) => api.listAudit(request, options));
  }

  /**
   * Ends the sessions of a chat server, of a user or of a device, or one session, with reason `EVICTED`. Needs
   * the role `admin`. Repeat the call while {@link EvictResult.more} is true.
   */
  evict(request: EvictRequest, options?: CallOptions) {
    return this.#call((api) => api.evict(request, options));
  }

  /**
   * Asks a chat server to close its connections within a time, so that their devices move to other chat servers while
   * nobody sees them offline; or cancels that. Its sessions are passed to {@link ServerOptions.onDrain}. Needs the
   * role `writer`, and daemons of version 0.2.0 or later. A later call replaces the drain of an earlier one.
   *
   * Rejects with `NOT_FOUND` if the chat server has no lease.
   *
   * @example
   * ```ts
   * await client.drainServer({ serverAddr: '10.0.0.1:9000', overMs: 120_000 });
   * ```
   */
  drainServer(request: DrainServerRequest, options?: CallOptions) {
    return this.#call((api) => api.drainServer(request, options));
  }

  /**
   * Resolves if the caller may evict; rejects with `PERMISSION_DENIED` or `UNAUTHENTICATED` if not. Ends
   * nothing.
   */
  checkEvict(options?: CallOptions) {
    return this.#call((api) => api.checkEvict(options));
  }

  /**
   * Reads everything that is kept of a user: devices, history, changes, and records of the audit trail. Needs
   * the role `admin`.
   */
  exportUser(userId: string, options?: CallOptions) {
    return this.#call((api) => api.exportUser(userId, options));
  }

  /**
   * Ends the sessions of a user, waits at most 10 s until watches have received that, and removes everything
   * that is kept of the user. The audit trail has a pseudonym instead of the ID. Needs the role `admin`. May be
   * repeated, also after it failed. The timeout is 2 minutes by default.
   *
   * A device that logs in meanwhile stays: see {@link EraseResult.devicesOnline}.
   */
  eraseUser(userId: string, options?: CallOptions) {
    return this.#call((api) => api.eraseUser(userId, options));
  }

  /**
   * Claims a relay: of several processes exactly one delivers. Renew the claim before it runs out, with this call or
   * with {@link commitRelay}. Needs the role `writer`. `imstate relay run` does all this.
   */
  claimRelay(request: ClaimRelayRequest, options?: CallOptions) {
    return this.#call((api) => api.claimRelay(request, options));
  }

  /**
   * Commits how far a relay has delivered, which renews the claim. Rejects with `FAILED_PRECONDITION` if another
   * process has taken over or the relay was replayed, and with `NOT_FOUND` if the store lost it: claim it again.
   */
  commitRelay(request: CommitRelayRequest, options?: CallOptions) {
    return this.#call((api) => api.commitRelay(request, options));
  }

  /** Lists the relays, and how far each is behind. */
  listRelays(options?: CallOptions) {
    return this.#call((api) => api.listRelays(options));
  }

  /** Makes a relay deliver nothing until {@link resumeRelay}. Needs the role `admin`. Rejects with `NOT_FOUND`. */
  pauseRelay(name: string, options?: CallOptions) {
    return this.#call((api) => api.pauseRelay(name, options));
  }

  /** Makes a paused relay go on where it was. Needs the role `admin`. Rejects with `NOT_FOUND`. */
  resumeRelay(name: string, options?: CallOptions) {
    return this.#call((api) => api.resumeRelay(name, options));
  }

  /**
   * Makes a relay deliver again what happened since a time. Needs the role `admin`. Rejects with `NOT_FOUND`, and with
   * `OUT_OF_RANGE` if changes since then may be gone.
   */
  replayRelay(name: string, from: Date, options?: CallOptions) {
    return this.#call((api) => api.replayRelay(name, from, options));
  }

  /**
   * Removes a relay. Needs the role `admin`. Rejects with `NOT_FOUND`, and with `FAILED_PRECONDITION` while a process
   * delivers for it.
   */
  deleteRelay(name: string, options?: CallOptions) {
    return this.#call((api) => api.deleteRelay(name, options));
  }

  /**
   * Stores a session policy under its name, or replaces the one that has it; all daemons apply it within 2 s.
   * Needs the role `admin`. Here and below, daemons before version 0.2.0 reject with `UNIMPLEMENTED`.
   *
   * Rejects with `INVALID_ARGUMENT` for a rule that is broken, and `RESOURCE_EXHAUSTED` beyond 100 policies.
   *
   * @example
   * ```ts
   * await client.putPolicy({
   *   name: 'one-phone',
   *   classes: { mobile: ['ios', 'android'] },
   *   limits: [
   *     { per: 'class', class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' },
   *     { per: 'user', max: 10, onConflict: 'REJECT' },
   *   ],
   * });
   * await client.setDefaultPolicy('one-phone');
   * ```
   */
  putPolicy(policy: Policy, options?: CallOptions) {
    return this.#call((api) => api.putPolicy(policy, options));
  }

  /** Lists the stored session policies, and names the default. */
  listPolicies(options?: CallOptions) {
    return this.#call((api) => api.listPolicies(options));
  }

  /** Reads a stored session policy or a preset. Rejects with `NOT_FOUND` if there is none of the name. */
  getPolicy(name: string, options?: CallOptions) {
    return this.#call((api) => api.getPolicy(name, options));
  }

  /**
   * Removes a stored session policy. Needs the role `admin`. Logins that still name it reject with
   * `INVALID_ARGUMENT`.
   *
   * Rejects with `NOT_FOUND` if there is none of the name, and `FAILED_PRECONDITION` if it is the default.
   */
  deletePolicy(name: string, options?: CallOptions) {
    return this.#call((api) => api.deletePolicy(name, options));
  }

  /**
   * Chooses the policy of logins that name none: a stored one, a preset, or `keep-all`. Needs the role `admin`.
   *
   * Rejects with `NOT_FOUND` if there is none of the name, and `FAILED_PRECONDITION` while the upgrade of the
   * cluster from version 0.1.0 is not finished.
   */
  setDefaultPolicy(name: string, options?: CallOptions) {
    return this.#call((api) => api.setDefaultPolicy(name, options));
  }

  /**
   * Tries a login: returns which sessions it would end now, or which stand in its way. Changes nothing. Needs the
   * role `writer`, as a login does.
   */
  validateLogin(request: ValidateLoginRequest, options?: CallOptions) {
    return this.#call((api) => api.validateLogin(request, options));
  }

  /**
   * Reads the feature level of the store, and which levels the daemon that answers supports. Daemons of
   * version 0.1.0 reject it with `UNIMPLEMENTED`: their store has level 1.
   */
  getFeatureLevel(options?: CallOptions) {
    return this.#call((api) => api.getFeatureLevel(options));
  }

  /**
   * Raises the feature level of the store, once all of its daemons are upgraded: older ones reject all calls
   * from then on. Needs the role `admin`. A call for the level in force, or a lower one, changes nothing.
   *
   * Rejects with `INVALID_ARGUMENT` for a level that the daemon does not support.
   */
  finishUpgrade(request: FinishUpgradeRequest = {}, options?: CallOptions) {
    return this.#call((api) => api.finishUpgrade(request, options));
  }

  /**
   * Starts the lease of a chat server, and holds its sessions until the `close()` of the result. If the
   * process dies, its sessions end with the lease; devices need no heartbeats.
   *
   * Throws `INVALID_ARGUMENT` if `leaseTtlMs` is out of range, and `UNAVAILABLE` if the client is closed.
   *
   * @example
   * ```ts
   * const server = client.server({
   *   addr: '10.0.0.1:9000',
   *   onEnded: ({ sessionId, reason }) => disconnect(sessionId, reason),
   * });
   * await server.ready;
   * ```
   */
  server(options: ServerOptions): ServerSessions {
    return new ServerSessions(this.#channel, this.#presenceService, options);
  }

  /**
   * Watches the presence of users, of the sessions of chat servers, or of all users: snapshots, then every
   * change exactly once. When a stream breaks, the watch resumes on another daemon. It connects when the
   * iteration starts.
   *
   * Throws `INVALID_ARGUMENT` unless the options have exactly one of `users`, `servers` and `everything`.
   *
   * @example
   * ```ts
   * for await (const event of client.watch({ users: ['alice', 'bob'] })) {
   *   if (event.type === 'change') console.log(event.userId, event.userOnline);
   * }
   * ```
   */
  watch(options: WatchOptions): Watch {
    return new Watch(this.#channel, options);
  }

  /**
   * Closes the connections. Calls in flight reject with `UNAVAILABLE`, leases and watches are closed, and
   * sessions held by {@link Client.server} end with their lease.
   */
  async close(): Promise<void> {
    this.#channel.close();
    await this.#discovery.close();
  }

  async #call<T>(use: (api: PresenceApi) => Promise<T>): Promise<T> {
    try {
      return await use(this.#presenceService);
    } catch (error) {
      if (!isUnimplemented(error) || !this.#channel.legacyServers.isAllLegacy) throw error;
      return use(this.#userStatus);
    }
  }
}
