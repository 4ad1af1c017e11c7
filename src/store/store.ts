import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { EndReason, SessionRef } from 'imstate-client/internal/shared/session';
import type { ServerPage, ServersPage, SessionPage, SessionsPage, Stats } from '../presence/listings.js';
import type { KeepAlive, KeepAliveResult, ServerEviction } from '../presence/servers.js';
import type { Ended, Login, LoginResult, Logout, PastSession, Session } from '../presence/sessions.js';
import type { ChangeLog } from './changeLog.js';
import type { Answer, Operation } from './operations.js';
import type { ReadBudget } from './reads.js';

/**
 * Where sessions live. Every change is one atomic step: a caller sees all of it or nothing, and nothing is
 * acknowledged before it is applied. Calls on one user take effect in the order in which they were made, answered or not.
 * Time is the store's own, so that daemons' clocks do not matter.
 *
 * A session that is past its time to live or its grace, or whose lease was lost or taken over by a greater
 * incarnation, is offline to every reader at that instant. The sweep writes it down afterwards, with that time.
 *
 * Every method rejects with STORE_UNAVAILABLE when the store cannot be reached. The message of a change says
 * whether it may have been applied nevertheless.
 *
 * test/integration/store/contract/ holds every implementation to these rules.
 */
export interface PresenceStore {
  /** For people: the kind of store and where it is, without secrets. */
  readonly description: string;
  /**
   * Tells this store from every other; made at first use and kept with the data. Each {@link check} reads it again, and
   * writes it into a store that was flushed. Undefined before {@link open}, and while a store without one refuses the write.
   */
  readonly identity: string | undefined;

  /**
   * Connects, and checks that the layout in the store is the one this version reads and writes. One attempt:
   * after STORE_UNAVAILABLE it may be called again. Must have resolved before any other method is used.
   */
  open(): Promise<void>;

  /**
   * Carries out operations, each as the method after which it is named; resolves with what each answers or the error of each that
   * failed, and never rejects. Those on one user are carried out in their order, and after those of earlier calls. Users beyond the
   * budget are not read: RESOURCE_EXHAUSTED. Here and below, a peer (of the budget) that asks for much takes turns with all others.
   */
  apply(operations: readonly Operation[], budget?: ReadBudget): Promise<(Answer | Error)[]>;

  /**
   * Makes `login.sessionId` the current session of its device.
   * - If another session of the device was online, it ends with reason REPLACED and is returned; so do those of the
   *   user's other devices that the policy names.
   * - If that very session is current, it is refreshed (chat server, platform, metadata, time to live, last seen) and keeps
   *   its login time and its grace: repeating the call is harmless, and the policy ends nothing.
   * - If that session has ended, by LOGOUT, REPLACED or EVICTED, nothing changes and the reason is returned. This is
   *   remembered for the user's last 32 sessions that ended. One that ended otherwise begins anew, unless the device has
   *   had another session since: REPLACED. Its policy ends nothing then.
   * - If the incarnation is less than the one of the chat server's lease, nothing changes: SERVER_LOST.
   * - If the store knows no lease of an incarnation that is given, one begins that lasts 10 s and asks for a resync. A
   *   greater one than it knows takes the lease over. Both may hold for part of the users only, until keepServerAlive.
   * - A session that is sent again changes nothing if the device has had a later login: REPLACED. Its policy ends nothing.
   * - A record of an earlier logout is overwritten together with the clock of its retention.
   * - A login that would leave the user with more than `maxDevices` devices online is rejected with RESOURCE_EXHAUSTED, and
   *   changes nothing. Those do not count that are over, and those that the policy ends. A refresh, and a login that replaces
   *   the session of its own device, are never rejected so.
   * - If the user then has more records than that, of devices online and offline, the oldest offline ones are removed: as
   *   many as are too many, or an eighth of `maxDevices`.
   * - A policy that ends very many sessions ends them in several steps, the last of which is the login.
   */
  online(login: Login, budget?: ReadBudget): Promise<LoginResult>;

  /**
   * Ends the session, or announces its end (grace), and keeps the record readable for the retention. Returns true if
   * a session ended or will.
   * - With a session id, only if it is the current one; else nothing changes.
   * - For a device that is unknown or already offline nothing changes and no record is written.
   * - Of two graces the earlier end counts.
   */
  offline(logout: Logout): Promise<boolean>;

  /** Renews a session: it was heard of now. Undefined if it is current; else why not, and nothing changes. */
  heartbeat(session: SessionRef): Promise<Ended | undefined>;

  /**
   * Keeps the lease of a chat server alive, or begins it. Sessions that log in at its address meanwhile belong to it.
   * - A greater incarnation than before ends the sessions of the one before; a lesser one changes nothing.
   * - A resync is asked for while the store does not know the lease, or has lost data since it last was resynced.
   * - `resynced` ends the sessions of the chat server that were not heard of since the resync was first asked for.
   * - Shards that do not answer leave the others be; it rejects if none answers.
   */
  keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult>;

  /** Ends all sessions of the user with reason EVICTED, each in a step of its own; returns how many. */
  evictUser(userId: string, budget?: ReadBudget): Promise<number>;

  /** Ends the session with reason EVICTED if it is current; returns whether it was. */
  evictSession(session: SessionRef): Promise<boolean>;

  /** Ends a bounded number of the chat server's sessions with reason EVICTED; a shard that does not answer leaves the others be. */
  evictServer(serverAddr: string): Promise<ServerEviction>;

  /** The device's current session, or its last one within the retention; undefined if there is none. */
  getDevice(userId: string, deviceId: string): Promise<Session | undefined>;

  /**
   * What {@link getDevice} would return for each device of the user, newest login first: at one instant, but for a user with more
   * than about a thousand records, who is read in parts.
   */
  getUser(userId: string, budget?: ReadBudget): Promise<Session[]>;

  /** The user's sessions that ended, the last written down first: as many as are kept, within the retention of the history. */
  getHistory(userId: string): Promise<PastSession[]>;

  /**
   * Sessions that are online, each once, and where the next page begins; a page may be short. Shards that do not answer are left out,
   * here and in the two below; it rejects if none answers.
   */
  listSessions(page: SessionPage): Promise<SessionsPage>;

  /**
   * The chat servers that have sessions or a lease, in the order of the bytes of their addresses, and where the next page begins. The
   * work for a page does not depend on how many there are.
   */
  listServers(page: ServerPage): Promise<ServersPage>;

  /**
   * Counts, in a time that does not depend on how many are online. Platforms and chat servers are read in parts; of more than some
   * hundred the numbers are up to a second old.
   */
  getStats(): Promise<Stats>;

  /**
   * Writes down a bounded number of ends that are due, loses leases that ran out, and removes records whose retention
   * is over. Returns true if more may be left. Any number of daemons may sweep at once.
   *
   * To the counts that are given it adds how many sessions it ended.
   *
   * A lease that ran out while nobody swept for 3 s (no daemon, no store) could not be kept alive: it gets its whole
   * time again.
   */
  sweep(ended?: EndCounts): Promise<boolean>;

  /** The changes of this store, for those who watch. */
  changeLog(): ChangeLog;

  /**
   * Asks each node of the store whether it answers, and whether the store can be used; the store must be open. Never rejects: a store
   * that cannot be used at all has no shard that is available.
   */
  check(): Promise<StoreHealth>;

  /** Ends the connection; calls under way fail. May be called twice. */
  close(): Promise<void>;
}

/** Which shards of a store answer. A shard is unavailable while the node that keeps it does not answer. */
export interface StoreHealth {
  /** How many shards the store has. */
  shards: number;
  /** The numbers of those that are unavailable, ascending. */
  unavailable: readonly number[];
  /** Why the first of them is; undefined while all answer. */
  failure: ImstateError | undefined;
}

/** How many sessions ended, by their reason. */
export type EndCounts = Record<EndReason, number>;

/**
 * Called after each batch of operations, which is one script call or one write transaction. `ms` is its duration;
 * `hasFailed` is true if all of its operations failed.
 */
export type BatchListener = (ms: number, hasFailed: boolean) => void;

/** What both stores take. */
export interface StoreOptions {
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** How many ended sessions of a user the history keeps. */
  historyLimit: number;
  /** How long the history keeps them. Milliseconds. */
  historyRetentionMs: number;
  /** How many changes the change log keeps, about. */
  changeLimit: number;
  /** How many devices of a user may be online, and about how many records of devices are kept of a user. */
  maxDevices: number;
  onBatch?: BatchListener | undefined;
  /** The store's clock for tests, in milliseconds since 1970; by default the store's own time. */
  clock?: (() => number) | undefined;
}
