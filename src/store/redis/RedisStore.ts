import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import { Redis } from 'ioredis';
import type { AuditPage, AuditRecord, StoredAuditRecord } from '../../presence/audit.js';
import type { ServerPage, ServersPage, SessionPage, SessionsPage, Stats } from '../../presence/listings.js';
import type { PolicySet } from '../../presence/policySet.js';
import type { Relay, StoredRelays } from '../../presence/relays.js';
import type {
  KeepAlive,
  KeepAliveResult,
  ServerDrain,
  ServerDrainResult,
  ServerEviction,
} from '../../presence/servers.js';
import type {
  Ended,
  Login,
  LoginResult,
  LoginTrial,
  Logout,
  PastSession,
  Session,
} from '../../presence/sessions.js';
import type { ChangeLog, UserChanges } from '../changeLog.js';
import type { Erasure } from '../erasure.js';
import { newStoreId } from '../identity.js';
import type { Answer, Operation } from '../operations.js';
import { makePseudonym } from '../pseudonym.js';
import { ReadBudget } from '../reads.js';
import type { EndCounts, PresenceStore, StoreHealth } from '../store.js';
import { type Connection, connectOnce, makeConnection, onConnectError } from './connection.js';
import { drainServer } from './drainServer.js';
import { eraseUser } from './erase.js';
import { eraseFromAudit } from './eraseFromAudit.js';
import { connectError } from './errors.js';
import { evictCommand, evictUser } from './evict.js';
import { evictServer } from './evictServer.js';
import { heartbeatCommand } from './heartbeat.js';
import { readHistory } from './history.js';
import { keepServerAlive } from './keepServerAlive.js';
import { claimLayout, type Layout, layoutKey, notRaised, refusedDatabase } from './layout.js';
import { listSessions } from './list.js';
import { listAudit } from './listAudit.js';
import { OpenRedisStore, type RedisStoreOptions, type StoreState } from './OpenRedisStore.js';
import { offlineCommand } from './offline.js';
import { onlineCommand } from './online.js';
import { readPolicies, writePolicies } from './policySet.js';
import { readPseudonymKey } from './pseudonymKey.js';
import { ReadUserCommand, readDeviceCommand } from './read.js';
import { recordAudit } from './recordAudit.js';
import { readRelays, writeRelay } from './relays.js';
import { sweep } from './sweep.js';
import { describeRedisUrl } from './url.js';
import { listChanges } from './userChanges.js';
import { validateLoginCommand } from './validateLogin.js';

/** The error of a command that ioredis sent by itself. */
type CommandError = Error & { command?: { name: string } };

/**
 * Sessions in one Redis node, which Sentinels may name, or in a Redis Cluster. See PresenceStore for the
 * rules. Each operation is in the file of its name, and so is its script in scripts/.
 */
export class RedisStore implements PresenceStore {
  readonly description: string;
  readonly #options: RedisStoreOptions;
  readonly #redis: Connection;
  /** Why the last attempt to connect failed. */
  #lastError: Error | undefined;
  /** Why the store, though open, cannot be used. */
  #fault: ImstateError | undefined;
  #identity: string | undefined;
  #featureLevel = 0;
  /** Written into a store without an identity: the one it had, as far as this process knows. */
  #knownIdentity = newStoreId();
  #opened: OpenRedisStore | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.description = describeRedisUrl(options.url);
    const redis = makeConnection(options.url, options.tls);
    this.#redis = redis;
    onConnectError(redis, (error) => {
      this.#lastError = error;
    });
    redis.on('error', (error: CommandError) => {
      if (error.command?.name !== 'select' || !(redis instanceof Redis)) return;
      this.#fault = unusable(refusedDatabase(redis, options.url, error));
    });
  }

  get identity(): string | undefined {
    return this.#identity;
  }

  get featureLevel(): number {
    return this.#featureLevel;
  }

  async open(): Promise<void> {
    try {
      if (this.#redis.status === 'wait' || this.#redis.status === 'end') await connectOnce(this.#redis);
      const { shards } = await this.#claimLayout();
      this.#opened = new OpenRedisStore(this.#redis, this.#options, shards, this.#state());
      this.#lastError = undefined;
    } catch (error) {
      throw connectError(this.description, error, this.#lastError);
    }
  }

  async apply(operations: readonly Operation[], budget = new ReadBudget()): Promise<(Answer | Error)[]> {
    const fault = this.#currentFault();
    if (fault) return operations.map(() => fault);
    return this.#usable().calls.apply(operations, budget);
  }

  async online(login: Login, budget?: ReadBudget): Promise<LoginResult> {
    const { calls, scripts } = this.#usable();
    return calls.runOne(onlineCommand(login, scripts.loginForm), budget?.peer);
  }

  async validateLogin(trial: LoginTrial, budget?: ReadBudget): Promise<LoginResult> {
    const { calls, scripts } = this.#usable();
    return calls.runOne(validateLoginCommand(trial, scripts.loginForm), budget?.peer);
  }

  async offline(logout: Logout): Promise<boolean> {
    return this.#usable().calls.runOne(offlineCommand(logout));
  }

  async heartbeat(session: SessionRef): Promise<Ended | undefined> {
    return this.#usable().calls.runOne(heartbeatCommand(session));
  }

  async keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult> {
    return keepServerAlive(this.#usable().scripts, keepAlive);
  }

  async evictUser(userId: string, reasonText = '', budget?: ReadBudget): Promise<number> {
    return evictUser(this.#usable().calls, userId, reasonText, budget?.peer);
  }

  async evictSession(session: SessionRef, reasonText = ''): Promise<boolean> {
    return this.#usable().calls.runOne(evictCommand(session, reasonText));
  }

  async drainServer(drain: ServerDrain): Promise<ServerDrainResult> {
    return drainServer(this.#usable().scripts, drain);
  }

  async evictServer(serverAddr: string, reasonText = ''): Promise<ServerEviction> {
    return evictServer(this.#usable().scripts, serverAddr, reasonText);
  }

  async getDevice(userId: string, deviceId: string): Promise<Session | undefined> {
    return this.#usable().calls.runOne(readDeviceCommand(userId, deviceId));
  }

  async getUser(userId: string, budget = new ReadBudget()): Promise<Session[]> {
    const { sessions } = await this.#usable().calls.runOne(
      new ReadUserCommand({ userId }, budget),
      budget.peer,
    );
    return sessions;
  }

  async getHistory(userId: string): Promise<PastSession[]> {
    return readHistory(this.#usable().scripts, userId);
  }

  async listChanges(userId: string, after: string | undefined): Promise<UserChanges> {
    return listChanges(this.#usable().scripts, userId, after);
  }

  async eraseUser(userId: string): Promise<Erasure> {
    const { scripts, changeLog } = this.#usable();
    try {
      return await eraseUser(scripts, userId);
    } finally {
      changeLog.clearTail(userId);
    }
  }

  async listSessions(page: SessionPage): Promise<SessionsPage> {
    return listSessions(this.#usable().scripts, page);
  }

  async listServers(page: ServerPage): Promise<ServersPage> {
    return this.#usable().servers.read(page);
  }

  async getStats(): Promise<Stats> {
    return this.#usable().stats.read();
  }

  async getFeatureLevel(): Promise<number> {
    this.#usable();
    return (await this.#claimLayout()).featureLevel;
  }

  async raiseFeatureLevel(level: number): Promise<number> {
    this.#usable();
    const { featureLevel, previousLevel } = await this.#claimLayout(level);
    if (featureLevel < level) throw notRaised();
    return previousLevel;
  }

  async sweep(ended?: EndCounts): Promise<boolean> {
    return sweep(this.#usable().scripts, ended);
  }

  async recordAudit(record: AuditRecord, isRepeat = false): Promise<void> {
    const { scripts, audit } = this.#usable();
    return recordAudit(scripts, audit, record, isRepeat);
  }

  async listAudit(page: AuditPage): Promise<StoredAuditRecord[]> {
    const { scripts, audit } = this.#usable();
    return listAudit(scripts, audit, page);
  }

  async eraseFromAudit(userId: string, pseudonym: string): Promise<number> {
    const { scripts, audit } = this.#usable();
    return eraseFromAudit(scripts, audit, userId, pseudonym);
  }

  async pseudonymOf(userId: string): Promise<string> {
    const { scripts } = this.#usable();
    return makePseudonym(await readPseudonymKey(scripts, this.#options.keyPrefix), userId);
  }

  async readPolicies(known: string): Promise<PolicySet | undefined> {
    const { scripts, policies } = this.#usable();
    return readPolicies(scripts, policies, known);
  }

  async writePolicies(set: PolicySet, replaces: string): Promise<boolean> {
    const { scripts, policies } = this.#usable();
    return writePolicies(scripts, policies, set, replaces);
  }

  async readRelays(): Promise<StoredRelays> {
    const { scripts, relays } = this.#usable();
    return readRelays(scripts, relays);
  }

  async writeRelay(name: string, relay: Relay | undefined, replaces: number): Promise<boolean> {
    const { scripts, relays } = this.#usable();
    return writeRelay(scripts, relays, name, relay, replaces);
  }

  changeLog(): ChangeLog {
    return this.#usable().changeLog;
  }

  /**
   * Also claims the layout again in a Redis that was flushed, and reads the feature level. If another layout is
   * in force there now, this store rejects all calls: with the wrong number of shards it would write where no
   * other daemon reads. In a cluster one master has the layout: while that does not answer, the known layout
   * stays in force.
   */
  async check(): Promise<StoreHealth> {
    if (this.#opened === undefined) return { shards: 0, unavailable: [], failure: notOpen() };
    const { health } = this.#opened.scripts;
    try {
      if (await health.probe(layoutKey(this.#options))) await this.#claimLayout();
    } catch (error) {
      const failure = error as ImstateError;
      const isMismatch = failure.code === 'LAYOUT_MISMATCH';
      if (isMismatch) this.#fault = unusable(failure);
      if (isMismatch || this.#redis instanceof Redis) return health.allUnavailable(failure);
    }
    return health.health;
  }

  async close(): Promise<void> {
    this.#opened?.changeLog.close();
    this.#redis.disconnect();
  }

  async #claimLayout(featureLevel = 0): Promise<Layout> {
    const layout = await claimLayout(this.#redis, this.#options, {
      shards: this.#opened?.scripts.shards.length ?? 0,
      identity: this.#knownIdentity,
      featureLevel: Math.max(this.#featureLevel, featureLevel),
    });
    const { identity } = layout;
    this.#fault = undefined;
    this.#identity = identity;
    if (identity !== undefined) this.#knownIdentity = identity;
    this.#featureLevel = layout.featureLevel;
    return layout;
  }

  /** What the parts of an open store see of it. */
  #state(): StoreState {
    return { fault: () => this.#fault, featureLevel: () => this.#featureLevel };
  }

  /** Why the store cannot be used now; undefined if it can. */
  #currentFault(): ImstateError | undefined {
    return this.#opened === undefined ? notOpen() : this.#fault;
  }

  #usable(): OpenRedisStore {
    const fault = this.#currentFault();
    if (fault !== undefined) throw fault;
    return this.#opened as OpenRedisStore;
  }
}

function unusable(cause: ImstateError): ImstateError {
  return new ImstateError('STORE_UNAVAILABLE', `${cause.message}; nothing was changed`, { cause });
}

function notOpen(): ImstateError {
  return new ImstateError(
    'STORE_UNAVAILABLE',
    'the store is not open yet: the daemon is starting; try again',
  );
}
