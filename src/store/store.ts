import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { EndReason, SessionRef } from 'imstate-client/internal/shared/session';
import type { AuditPage, AuditRecord, StoredAuditRecord } from '../presence/audit.js';
import type { HistoryIp } from '../presence/details.js';
import type { ServerPage, ServersPage, SessionPage, SessionsPage, Stats } from '../presence/listings.js';
import type { PolicySet } from '../presence/policySet.js';
import type { Relay, StoredRelays } from '../presence/relays.js';
import type {
  KeepAlive,
  KeepAliveResult,
  ServerDrain,
  ServerDrainResult,
  ServerEviction,
} from '../presence/servers.js';
import type {
  Ended,
  Login,
  LoginResult,
  LoginTrial,
  Logout,
  PastSession,
  Session,
} from '../presence/sessions.js';
import type { ChangeLog, UserChanges } from './changeLog.js';
import type { Erasure } from './erasure.js';
import type { Answer, Operation } from './operations.js';
import type { ReadBudget } from './reads.js';

/**
 * Where sessions are kept. Every change is atomic: readers see all of it or nothing, and it is acknowledged
 * only after it was applied. Calls on one user take effect in the order in which they were made, even before
 * they are answered. The store uses its own clock, so the clocks of daemons do not matter.
 *
 * A session whose TTL or grace is over, or whose lease was lost or taken over by a greater incarnation, is
 * offline for every reader from that instant on. The sweep records the end later, with that time.
 *
 * Every method rejects with STORE_UNAVAILABLE if the store cannot be reached. The message of a change says
 * whether it may have been applied nevertheless.
 *
 * test/integration/store/contract/ tests every implementation against these rules.
 */
export interface PresenceStore {
  /** Human-readable: the type of store and where it is, without secrets. */
  readonly description: string;
  /**
   * Distinguishes this store from every other. It is created at first use and kept with the data; each {@link
   * check} reads it again, and writes it into a store that was flushed. Undefined before {@link open}, and
   * while a store without an identity rejects the write.
   */
  readonly identity: string | undefined;
  /**
   * The feature level in force, see featureLevel.ts: forms of a higher one must not be written, because older
   * daemons may use the store. Each {@link check} reads it again. 0 before {@link open}.
   */
  readonly featureLevel: number;

  /**
   * Connects, and checks that this version can use the layout of the store. One attempt: after
   * STORE_UNAVAILABLE it may be called again. All other methods require that it has resolved.
   */
  open(): Promise<void>;

  /**
   * Executes operations, each like the method of its name. Resolves with the answer or the error of each;
   * never rejects. Operations on one user are executed in order, and after those of earlier calls. Users
   * beyond the budget are not read: RESOURCE_EXHAUSTED. Here and below, a peer (see the budget) that requests
   * much takes turns with all others.
   */
  apply(operations: readonly Operation[], budget?: ReadBudget): Promise<(Answer | Error)[]>;

  /**
   * Makes `login.sessionId` the current session of its device.
   * - If another session of the device is online, it ends with reason REPLACED and is returned; so are the
   *   sessions of the user's other devices that the policy ends, see decideLogin().
   * - A login that the policy rejects changes nothing: `rejection`. Two logins at the same time never exceed a
   *   limit together.
   * - If this session is current already, it is refreshed (chat server, platform, metadata, TTL, last seen).
   *   It keeps its login time and its grace, and the policy decides nothing: repeating a call is harmless.
   * - If this session has ended by LOGOUT, REPLACED or EVICTED, nothing changes and the reason is returned.
   *   The store remembers this for the user's last 32 ended sessions. A session that ended otherwise starts
   *   anew, and its policy decides nothing; but if the device has had another session since, it is REPLACED.
   * - If the incarnation is less than that of the chat server's lease, nothing changes: SERVER_LOST.
   * - If the store knows no lease of the given incarnation, a lease of 10 s starts, which requests a resync.
   *   A greater incarnation takes the lease over. Both may apply to only a part of the users until
   *   keepServerAlive.
   * - A resent session changes nothing if the device has had a later login: REPLACED. Its policy decides
   *   nothing.
   * - A record of an earlier logout is overwritten, together with its retention.
   * - A login that would leave the user with more than `maxDevices` devices online is rejected with
   *   RESOURCE_EXHAUSTED and changes nothing. Sessions that are over, and those that the policy ends, do not
   *   count. A refresh, or a login that replaces the session of its own device, is never rejected for this
   *   reason.
   * - If the user then has more records than that, online and offline, the oldest offline ones are removed:
   *   all that are too many, or an eighth of `maxDevices` if that is more.
   * - A policy that ends very many sessions ends them in several batches, and decides anew in each; the login
   *   takes effect in the last one.
   */
  online(login: Login, budget?: ReadBudget): Promise<LoginResult>;

  /**
   * What {@link online} would do for a login now: which sessions it would end, or why the policy would reject it.
   * Changes nothing. A `deviceId` of '' is a device that is not known.
   */
  validateLogin(trial: LoginTrial, budget?: ReadBudget): Promise<LoginResult>;

  /**
   * Ends the session, or announces its end (grace), and keeps the record readable for the retention. Returns
   * true if a session ended or will end.
   * - With a session ID, only if that session is current; otherwise nothing changes.
   * - For a device that is unknown or already offline nothing changes, and no record is written.
   * - Of two graces, the earlier end counts.
   */
  offline(logout: Logout): Promise<boolean>;

  /**
   * Renews a session: it was seen now. Undefined if it is current; otherwise why it is not, and nothing
   * changes.
   */
  heartbeat(session: SessionRef): Promise<Ended | undefined>;

  /**
   * Keeps the lease of a chat server alive, or starts it. Sessions that log in at its address meanwhile
   * belong to it.
   * - A greater incarnation ends the sessions of the previous one; a smaller one changes nothing.
   * - A resync is requested while the store does not know the lease, or has lost data since the last resync.
   * - `resynced` ends the sessions of the chat server that were last seen before the resync was first
   *   requested.
   * - Shards that do not answer do not affect the others; it rejects if none answers.
   */
  keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult>;

  /**
   * Begins the drain of a chat server, or cancels it. A later call replaces the drain of an earlier one.
   * - Its lease is DRAINING until it ends, or a greater incarnation takes it over; keepServerAlive returns the
   *   progress. Logins there are accepted as before.
   * - A logout there has at least the grace of the drain, and the session leaves the lease: a restart of the chat
   *   server does not end it before.
   * - A lease that runs out meanwhile lasts for the grace once more.
   * - A chat server without a lease cannot drain: nothing changes. A store that loses its data loses the drain.
   */
  drainServer(drain: ServerDrain): Promise<ServerDrainResult>;

  /**
   * Ends all sessions of the user with reason EVICTED, each atomically by itself; returns how many. Here and
   * below, the record, the history and the change of each session keep the reason text ('' for none).
   */
  evictUser(userId: string, reasonText?: string, budget?: ReadBudget): Promise<number>;

  /**
   * Ends the session with reason EVICTED if it is current, or whatever session of the device is current if
   * its ID is ''; returns whether one ended.
   */
  evictSession(session: SessionRef, reasonText?: string): Promise<boolean>;

  /**
   * Ends a bounded number of the chat server's sessions with reason EVICTED. Shards that do not answer do not
   * affect the others.
   */
  evictServer(serverAddr: string, reasonText?: string): Promise<ServerEviction>;

  /** The device's current session, or its last one within the retention; undefined if there is none. */
  getDevice(userId: string, deviceId: string): Promise<Session | undefined>;

  /**
   * What {@link getDevice} returns for each device of the user, newest login first. At one instant, except
   * for a user with more than about a thousand records, who is read in parts.
   */
  getUser(userId: string, budget?: ReadBudget): Promise<Session[]>;

  /**
   * The user's ended sessions, the last recorded first: as many as are kept, within the retention of the
   * history.
   */
  getHistory(userId: string): Promise<PastSession[]>;

  /**
   * Sessions that are online, each once, and where the next page begins; a page may be short. Here and in the
   * two methods below, shards that do not answer are left out; it rejects if none answers.
   */
  listSessions(page: SessionPage): Promise<SessionsPage>;

  /**
   * The chat servers that have sessions or a lease, in the order of the bytes of their addresses, and where
   * the next page begins. The work for a page does not depend on how many there are.
   */
  listServers(page: ServerPage): Promise<ServersPage>;

  /**
   * Counts what is online, in a time that does not depend on how much that is. Platforms and chat servers are
   * read in parts; if there are more than some hundred, their numbers are up to a second old.
   */
  getStats(): Promise<Stats>;

  /** Reads the feature level in force from the store. */
  getFeatureLevel(): Promise<number>;

  /**
   * Raises the feature level, for all daemons of the store; resolves with the level before. A level that is
   * in force already, or a lower one, changes nothing. Daemons of versions that do not support the level
   * reject all calls from then on.
   */
  raiseFeatureLevel(level: number): Promise<number>;

  /**
   * Records a bounded number of ends that are due, loses leases that ran out, and removes records after their
   * retention. Returns true if more may be due. Any number of daemons may sweep at the same time.
   *
   * Adds to the given counts how many sessions it ended.
   *
   * A lease that ran out while nobody swept for 3 s (no daemon, no store) could not be kept alive: it gets
   * its full duration again.
   */
  sweep(ended?: EndCounts): Promise<boolean>;

  /**
   * Reads the changes of a user in a bounded part of the change log, the oldest first, after a `next` of this
   * method.
   */
  listChanges(userId: string, after: string | undefined): Promise<UserChanges>;

  /**
   * Removes everything that is kept of a user, apart from devices that are online: evict the user before.
   * Changes remain as entries without a change, so that watches resume over them. Takes many steps, each
   * bounded and atomic; reads again what it has looked at. May be repeated, also after it failed.
   */
  eraseUser(userId: string): Promise<Erasure>;

  /**
   * Adds a record of what an administrator did to the audit trail, with the time of the store, and removes the
   * oldest beyond `auditLimit`: if there are many, some of them. A record that `isRepeat` is added unless one
   * of the newest has its id: the write before it may have succeeded.
   */
  recordAudit(record: AuditRecord, isRepeat?: boolean): Promise<void>;

  /**
   * Records of the audit trail, the last recorded first. Those that are added between two pages are in neither.
   * Empty if the record after which to begin was removed: older ones were, too.
   */
  listAudit(page: AuditPage): Promise<StoredAuditRecord[]>;

  /**
   * What stands for a user who was erased: a hash with a secret of this store, which is created at first use
   * and kept with the data.
   */
  pseudonymOf(userId: string): Promise<string>;

  /**
   * Replaces a user in all records of the audit trail by a pseudonym: see pseudonymized(). Returns how many
   * records named the user.
   */
  eraseFromAudit(userId: string, pseudonym: string): Promise<number>;

  /**
   * The session policies, see policySet.ts; undefined if they are the known ones, by the ID of their set. Those
   * of a new store are {@link NO_POLICIES}.
   */
  readPolicies(known: string): Promise<PolicySet | undefined>;

  /**
   * Replaces the session policies if those in the store still have the ID `replaces`; resolves with whether they
   * had. Works in a store that is full.
   */
  writePolicies(set: PolicySet, replaces: string): Promise<boolean>;

  /** The relays, see relays.ts, and the time of the store. */
  readRelays(): Promise<StoredRelays>;

  /**
   * Writes a relay, or removes it (undefined), if the one in the store still has the version `replaces`, 0 for none;
   * resolves with whether it had. Works in a store that is full.
   */
  writeRelay(name: string, relay: Relay | undefined, replaces: number): Promise<boolean>;

  /** The changes of this store, for watches. */
  changeLog(): ChangeLog;

  /**
   * Asks each node of the store whether it answers, and whether the store can be used; the store must be
   * open. Never rejects: a store that cannot be used at all has no available shard.
   */
  check(): Promise<StoreHealth>;

  /** Ends the connection; calls in flight fail. May be called twice. */
  close(): Promise<void>;
}

/** Which shards of a store answer. A shard is unavailable while its node does not answer. */
export interface StoreHealth {
  /** How many shards the store has. */
  shards: number;
  /** The numbers of the unavailable ones, ascending. */
  unavailable: readonly number[];
  /** Why the first of them is unavailable; undefined if all answer. */
  failure: ImstateError | undefined;
}

/** How many sessions ended, by their reason. */
export type EndCounts = Record<EndReason, number>;

/**
 * Called after each batch of operations, which is one script call or one write transaction. `ms` is its
 * duration; `hasFailed` is true if all of its operations failed.
 */
export type BatchListener = (ms: number, hasFailed: boolean) => void;

/** How a store of an older version was migrated when it was opened. */
export interface Migration {
  /** The feature level before. */
  previousLevel: number;
  /** The feature level now. */
  featureLevel: number;
  /** The path of the data as it was before. */
  backup: string;
}

/** The options of both stores. */
export interface StoreOptions {
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** How many ended sessions of a user the history keeps. */
  historyLimit: number;
  /** How long the history keeps them. Milliseconds. */
  historyRetentionMs: number;
  /** What the history keeps of IP addresses. */
  historyIp: HistoryIp;
  /** How many changes the change log keeps, approximately. */
  changeLimit: number;
  /**
   * How many devices of a user may be online, and approximately how many records of devices a user may have.
   */
  maxDevices: number;
  /** How many records the audit trail keeps; 0 for none. */
  auditLimit: number;
  onBatch?: BatchListener | undefined;
  /** The clock of a test, in milliseconds since 1970; by default the store's own. */
  clock?: (() => number) | undefined;
}
