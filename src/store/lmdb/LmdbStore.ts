import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { RootDatabase } from 'lmdb';
import { claimDataFile, makeDataDirectory, unusable } from '../../dataDirectory.js';
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
import { FEATURE_LEVELS } from '../featureLevel.js';
import { type Answer, allAnswers, type Operation, type UserRead } from '../operations.js';
import { makePseudonym } from '../pseudonym.js';
import { ReadBudget } from '../reads.js';
import type { EndCounts, Migration, PresenceStore, StoreHealth, StoreOptions } from '../store.js';
import { callOf, Transactions } from './apply.js';
import { checkDataFile } from './checkDataFile.js';
import { drainServer } from './drainServer.js';
import { ERASE_BEGINNING, type ErasedPart, type ErasePosition, erasePart } from './erase.js';
import { type AuditErasure, eraseFromAudit } from './eraseFromAudit.js';
import { evictDevices, evictSession } from './evict.js';
import { evictServer } from './evictServer.js';
import { heartbeat } from './heartbeat.js';
import { readHistory } from './history.js';
import { keepServerAlive } from './keepServerAlive.js';
import { LmdbChangeLog, newestChange } from './LmdbChangeLog.js';
import { claimIdentity, claimLayout, readPseudonymKey } from './layout.js';
import { listSessions } from './list.js';
import { listAudit } from './listAudit.js';
import { offline } from './offline.js';
import { online } from './online.js';
import { readPolicies, writePolicies } from './policySet.js';
import { recordAudit } from './recordAudit.js';
import { readRelays, writeRelay } from './relays.js';
import { listServers } from './servers.js';
import { StatsReader } from './stats.js';
import { sweep } from './sweep.js';
import { openTables, type Tables } from './tables.js';
import { listChanges } from './userChanges.js';
import type { WriteTransaction } from './WriteTransaction.js';

const READS: ReadonlySet<Operation['type']> = new Set(['getUser', 'getDevice', 'validateLogin']);

/** What {@link LmdbStore} takes beside the common options. */
export interface LmdbStoreOptions extends StoreOptions {
  /** The data directory; created if it does not exist. */
  dataDir: string;
  /** Called when {@link LmdbStore.open} has migrated the data of an older version. */
  onMigrated?: ((migration: Migration) => void) | undefined;
}

/**
 * Sessions in an LMDB file of the data directory. A change is acknowledged once its transaction is on disk,
 * so it survives `kill -9` and a power failure; simultaneous changes share a transaction. See PresenceStore
 * for the rules. Each operation is in the file of its name.
 */
export class LmdbStore implements PresenceStore {
  readonly description: string;
  readonly #options: LmdbStoreOptions;
  readonly #now: () => number;
  readonly #changeLog = new LmdbChangeLog(() => this.#open());
  readonly #stats = new StatsReader(() => this.#open());
  readonly #transactions: Transactions;
  /** Set before the tables: closed also if they cannot be opened. */
  #root: RootDatabase | undefined;
  #tables: Tables | undefined;
  #identity: string | undefined;
  #featureLevel = 0;

  constructor(options: LmdbStoreOptions) {
    this.#options = options;
    this.#now = options.clock ?? Date.now;
    this.description = `embedded, ${options.dataDir}`;
    this.#transactions = new Transactions({
      ...options,
      tables: () => this.#open(),
      now: this.#now,
      onCommit: () => this.#changeLog.notify(),
    });
  }

  get identity(): string | undefined {
    return this.#identity;
  }

  get featureLevel(): number {
    return this.#featureLevel;
  }

  async open(): Promise<void> {
    const { dataDir } = this.#options;
    let root: RootDatabase;
    try {
      const { open } = await import('lmdb');
      await makeDataDirectory(dataDir);
      // LMDB itself would follow links, and create files that others may read.
      const path = await claimDataFile(dataDir, 'presence.lmdb');
      await claimDataFile(dataDir, 'presence.lmdb-lock');
      checkDataFile(path);
      // Without overlappingSync a commit returns after its fsync, which is what we promise.
      root = open({ path, overlappingSync: false });
      this.#root = root;
    } catch (error) {
      throw unusable(dataDir, error);
    }
    const migration = await claimLayout(root, dataDir);
    if (migration !== undefined) this.#options.onMigrated?.(migration);
    // Behind the migration, because it creates tables of newer versions.
    this.#tables = openedTables(root, dataDir);
    this.#featureLevel = FEATURE_LEVELS.max;
    this.#identity = claimIdentity(root);
  }

  async apply(operations: readonly Operation[], budget = new ReadBudget()): Promise<(Answer | Error)[]> {
    const isRead = operations.every(({ type }) => READS.has(type));
    const calls = operations.map((operation) => callOf(operation, budget));
    const answers = isRead
      ? this.#transactions.runReads(calls, budget.peer)
      : this.#transactions.run(calls, budget.peer);
    return (await answers) as (Answer | Error)[];
  }

  online(login: Login, budget?: ReadBudget): Promise<LoginResult> {
    const run = (tx: WriteTransaction) => online(tx, login);
    return this.#transactions.runOne({ userId: login.userId, run }, budget?.peer);
  }

  async validateLogin(trial: LoginTrial, budget?: ReadBudget): Promise<LoginResult> {
    const answers = await this.apply([{ type: 'validateLogin', request: trial }], budget);
    return allAnswers<'validateLogin'>(answers)[0] as LoginResult;
  }

  offline(logout: Logout): Promise<boolean> {
    return this.#transactions.runOne({ userId: logout.userId, run: (tx) => offline(tx, logout) });
  }

  heartbeat(session: SessionRef): Promise<Ended | undefined> {
    return this.#transactions.runOne({ userId: session.userId, run: (tx) => heartbeat(tx, session) });
  }

  keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult> {
    return this.#transactions.runOne({ userId: '', run: (tx) => keepServerAlive(tx, keepAlive) });
  }

  async evictUser(userId: string, reasonText = '', budget?: ReadBudget): Promise<number> {
    let evicted = 0;
    let after: string | undefined;
    do {
      const run = (tx: WriteTransaction) => evictDevices(tx, userId, reasonText, after);
      const part = await this.#transactions.runOne<ReturnType<typeof evictDevices>>(
        { userId, run },
        budget?.peer,
      );
      evicted += part.evicted;
      after = part.next;
    } while (after !== undefined);
    return evicted;
  }

  evictSession(session: SessionRef, reasonText = ''): Promise<boolean> {
    const run = (tx: WriteTransaction) => evictSession(tx, session, reasonText);
    return this.#transactions.runOne({ userId: session.userId, run });
  }

  drainServer(drain: ServerDrain): Promise<ServerDrainResult> {
    return this.#transactions.runOne({ userId: '', run: (tx) => drainServer(tx, drain) });
  }

  evictServer(serverAddr: string, reasonText = ''): Promise<ServerEviction> {
    const run = (tx: WriteTransaction) => evictServer(tx, serverAddr, reasonText);
    return this.#transactions.runOne({ userId: '', run });
  }

  async getDevice(userId: string, deviceId: string): Promise<Session | undefined> {
    const answers = await this.apply([{ type: 'getDevice', request: { userId, deviceId } }]);
    return allAnswers<'getDevice'>(answers)[0];
  }

  async getUser(userId: string, budget?: ReadBudget): Promise<Session[]> {
    const answers = await this.apply([{ type: 'getUser', request: { userId } }], budget);
    return (allAnswers<'getUser'>(answers)[0] as UserRead).sessions;
  }

  async getHistory(userId: string): Promise<PastSession[]> {
    return readHistory(this.#open(), this.#options, userId, this.#now());
  }

  async listChanges(userId: string, after: string | undefined): Promise<UserChanges> {
    return listChanges(this.#open(), userId, after);
  }

  async eraseUser(userId: string): Promise<Erasure> {
    const last = newestChange(this.#open());
    const { records, changes } = await this.#lookAt(userId, last, true);
    const { devicesOnline, ...left } = await this.#lookAt(userId, last, false);
    return { records, changes, left: left.records + left.changes, devicesOnline };
  }

  async listSessions(page: SessionPage): Promise<SessionsPage> {
    return listSessions({ tables: this.#open(), now: this.#now(), options: this.#options }, page);
  }

  async listServers(page: ServerPage): Promise<ServersPage> {
    return listServers(this.#open(), page);
  }

  getStats(): Promise<Stats> {
    return this.#stats.read();
  }

  async getFeatureLevel(): Promise<number> {
    this.#open();
    return this.#featureLevel;
  }

  /** {@link open} has raised it to the newest. */
  raiseFeatureLevel(): Promise<number> {
    return this.getFeatureLevel();
  }

  sweep(ended?: EndCounts): Promise<boolean> {
    return this.#transactions.runOne({ userId: '', run: (tx) => sweep(tx, ended) });
  }

  recordAudit(record: AuditRecord): Promise<void> {
    return this.#transactions.runOne({ userId: '', run: (tx) => recordAudit(tx, record) });
  }

  async listAudit(page: AuditPage): Promise<StoredAuditRecord[]> {
    return listAudit(this.#open(), this.#options, page);
  }

  pseudonymOf(userId: string): Promise<string> {
    const run = ({ tables }: WriteTransaction) => makePseudonym(readPseudonymKey(tables.root), userId);
    return this.#transactions.runOne({ userId: '', run });
  }

  async eraseFromAudit(userId: string, pseudonym: string): Promise<number> {
    let erased = 0;
    let before: number | undefined;
    do {
      const run = (tx: WriteTransaction) => eraseFromAudit(tx, { userId, pseudonym, before });
      const part = await this.#transactions.runOne<AuditErasure>({ userId: '', run });
      erased += part.erased;
      before = part.next;
    } while (before !== undefined);
    return erased;
  }

  async readPolicies(known: string): Promise<PolicySet | undefined> {
    const set = readPolicies(this.#open().root);
    return set.id === known ? undefined : set;
  }

  writePolicies(set: PolicySet, replaces: string): Promise<boolean> {
    const run = ({ tables }: WriteTransaction) => writePolicies(tables.root, set, replaces);
    return this.#transactions.runOne({ userId: '', run });
  }

  async readRelays(): Promise<StoredRelays> {
    return { nowMs: this.#now(), relays: readRelays(this.#open().root) };
  }

  writeRelay(name: string, relay: Relay | undefined, replaces: number): Promise<boolean> {
    const run = ({ tables }: WriteTransaction) => writeRelay(tables.root, name, relay, replaces);
    return this.#transactions.runOne({ userId: '', run });
  }

  changeLog(): ChangeLog {
    return this.#changeLog;
  }

  async check(): Promise<StoreHealth> {
    const failure = failureOf(() => this.#open().root.get('layout'));
    return { shards: 1, unavailable: failure ? [0] : [], failure };
  }

  async close(): Promise<void> {
    this.#tables = undefined;
    await this.#root?.close();
    this.#root = undefined;
  }

  /** Finds what is kept of a user, and removes it if `removes`. */
  async #lookAt(userId: string, lastChange: number, removes: boolean): Promise<Omit<ErasedPart, 'next'>> {
    const sum = { records: 0, changes: 0, devicesOnline: 0 };
    let at: ErasePosition | undefined = ERASE_BEGINNING;
    while (at !== undefined) {
      const position: ErasePosition = at;
      const run = ({ tables }: WriteTransaction) => erasePart(tables, userId, position, lastChange, removes);
      const part: ErasedPart = await this.#transactions.runOne<ErasedPart>({ userId, run });
      sum.records += part.records;
      sum.changes += part.changes;
      sum.devicesOnline += part.devicesOnline;
      at = part.next;
    }
    return sum;
  }

  #open(): Tables {
    if (this.#tables) return this.#tables;
    throw new ImstateError('STORE_UNAVAILABLE', 'the store is not open: the daemon is starting or stopping');
  }
}

function openedTables(root: RootDatabase, dataDir: string): Tables {
  try {
    return openTables(root);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

/** Why the function fails; undefined if it does not. */
function failureOf(read: () => unknown): ImstateError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof ImstateError) return error;
    const message = `the data directory cannot be read: ${messageOf(error)}`;
    return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
  }
}
