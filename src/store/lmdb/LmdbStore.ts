import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { RootDatabase } from 'lmdb';
import { claimDataFile, makeDataDirectory, unusable } from '../../dataDirectory.js';
import type { ServerPage, ServersPage, SessionPage, SessionsPage, Stats } from '../../presence/listings.js';
import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import { newestLoginFirst, readRecord } from '../../presence/rules.js';
import type { KeepAlive, KeepAliveResult, ServerEviction } from '../../presence/servers.js';
import type { Login, LoginResult, PastSession, Session } from '../../presence/sessions.js';
import { STATS_CACHE_MS } from '../../presence/stats.js';
import { Batcher, type StepResult } from '../batcher.js';
import { cached } from '../cached.js';
import type { ChangeLog } from '../changeLog.js';
import { newStoreId } from '../identity.js';
import { type Answer, type Operation, OperationByOperation } from '../operations.js';
import { foreignPageToken, formatPageToken, parsePageToken } from '../pageToken.js';
import { ReadBudget } from '../reads.js';
import type { EndCounts, PresenceStore, StoreHealth, StoreOptions } from '../store.js';
import { WORK } from '../work.js';
import { evictDevices, evictSession, heartbeat, offline, online, type Replacing } from './changes.js';
import { checkDataFile } from './checkDataFile.js';
import { countOnline, readAllCounters } from './counters.js';
import { someDevices } from './devices.js';
import { LmdbChangeLog } from './LmdbChangeLog.js';
import { keepServerAlive } from './leases.js';
import { listServers } from './servers.js';
import { evictServer, sweep } from './sweep.js';
import { LAST, openTables, type SessionKey, type Tables } from './tables.js';
import { Unfinished } from './unfinished.js';
import { Step, StepWork } from './WriteTransaction.js';

/** Version of the keys and records in the data folder: raised by a change that an older imstate could not read. */
const LAYOUT_VERSION = 1;
/** Bounds on the work of one transaction, which holds up everything else meanwhile. */
const BATCH = { changes: 256, deadlines: 256, endings: 64, evictions: 256 };

/** An operation, or another change, to be carried out. */
interface Call {
  /** '' if it is not for one user. */
  readonly userId: string;
  /** May return {@link Unfinished}. */
  readonly run: () => unknown;
}

/** The beginning of all sessions. */
const FIRST_PLACE: SessionKey = ['', '', ''];

/** What {@link LmdbStore} takes beside the common options. */
export interface LmdbStoreOptions extends StoreOptions {
  /** The data folder; made if it is not there. */
  dataDir: string;
}

/**
 * Sessions in an LMDB file of the data folder. A change is acknowledged once its transaction is on disk, so it
 * survives `kill -9` and a power cut; changes made at once share a transaction. Rules: see PresenceStore.
 */
export class LmdbStore extends OperationByOperation implements PresenceStore {
  readonly description: string;
  readonly #options: LmdbStoreOptions;
  readonly #now: () => number;
  readonly #changes = new Batcher<Call>({
    shards: 1,
    maxItems: BATCH.changes,
    shardOf: () => 0,
    userOf: ({ userId }) => userId,
    send: (changes) => this.#commit(changes),
    onBatch: (ms, hasFailed) => this.#options.onBatch?.(ms, hasFailed),
  });
  readonly #changeLog = new LmdbChangeLog(() => this.#open());
  readonly #allCounters = cached(() => readAllCounters(() => this.#open()), STATS_CACHE_MS);
  #tables: Tables | undefined;
  /** The records that were read at once in this turn of the event loop. */
  #readInTurn = 0;
  /** Of the write transaction, or of the read, that is being carried out. */
  #work = new StepWork();
  #identity: string | undefined;

  constructor(options: LmdbStoreOptions) {
    super();
    this.#options = options;
    this.#now = options.clock ?? Date.now;
    this.description = `embedded, ${options.dataDir}`;
  }

  get identity(): string | undefined {
    return this.#identity;
  }

  async open(): Promise<void> {
    let root: RootDatabase;
    try {
      const { open } = await import('lmdb');
      const { dataDir } = this.#options;
      await makeDataDirectory(dataDir);
      // LMDB itself would follow links, and make files that others may read.
      const path = await claimDataFile(dataDir, 'presence.lmdb');
      await claimDataFile(dataDir, 'presence.lmdb-lock');
      checkDataFile(path);
      // Without overlappingSync a commit returns after its fsync, which is what we promise.
      root = open({ path, overlappingSync: false });
      this.#tables = openTables(root);
    } catch (error) {
      throw unusable(this.#options.dataDir, error);
    }
    this.#claimLayout(root);
  }

  /** Reads at once, unless there are changes to wait for: then all is done in their order, in transactions. */
  async apply(
    operations: readonly Operation[],
    budget: ReadBudget = new ReadBudget(),
  ): Promise<(Answer | Error)[]> {
    const isRead = operations.every(({ type }) => type === 'getUser' || type === 'getDevice');
    const calls = operations.map((operation) => ({
      userId: operation.request.userId,
      run: () => this.#carryOut(operation, budget),
    }));
    if (!isRead || !this.#changes.isIdle(0) || this.#readInTurn >= WORK.max)
      return (await this.#changes.add(calls, budget.peer)) as (Answer | Error)[];
    const { answers, rest } = this.#carryOutSome(calls);
    this.#noteRead(this.#work.done);
    // In this very turn, before what others change from now on.
    return [...answers, ...(await this.#changes.add(rest, budget.peer))] as (Answer | Error)[];
  }

  keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult> {
    return this.#change((step) => keepServerAlive(step, keepAlive));
  }

  async evictUser(userId: string, budget?: ReadBudget): Promise<number> {
    let evicted = 0;
    let behind: string | undefined;
    do {
      const part = await this.#change((step) => evictDevices(step, userId, behind), {
        userId,
        peer: budget?.peer,
      });
      evicted += part.evicted;
      behind = part.next;
    } while (behind !== undefined);
    return evicted;
  }

  evictSession(session: SessionRef): Promise<boolean> {
    return this.#change((step) => evictSession(step, session), { userId: session.userId });
  }

  evictServer(serverAddr: string): Promise<ServerEviction> {
    return this.#change((step) => evictServer(step, serverAddr, BATCH.evictions));
  }

  async getHistory(userId: string): Promise<PastSession[]> {
    const since = this.#now() - this.#options.historyRetentionMs;
    const range = new Step(this.#open(), this.#options, 0, this.#work).historyOf(userId);
    const limit = this.#options.historyLimit;
    return [...this.#open().history.getRange({ ...range, limit })]
      .map(({ value }) => value)
      .filter(({ endTimeMs }) => endTimeMs > since);
  }

  async listSessions({ serverAddr, limit, after }: SessionPage): Promise<SessionsPage> {
    const tables = this.#open();
    const only = serverAddr === undefined ? [] : [serverAddr];
    const start = after === undefined ? only : parsePageToken(after, FIRST_PLACE);
    if (serverAddr !== undefined && start[0] !== serverAddr) throw foreignPageToken();
    const range = {
      start: start as unknown as SessionKey,
      end: [...only, LAST] as unknown as SessionKey,
    };
    const keys = [...tables.sessions.getKeys({ ...range, exclusiveStart: true, limit })];
    const sessions = keys.flatMap(([, userId, deviceId]) => {
      const packed = tables.records.get([userId, deviceId]);
      const session = packed && this.#read(tables, deviceId, packed);
      return session?.online ? [{ userId, session }] : [];
    });
    const last = keys.length === limit ? keys.at(-1) : undefined;
    return { sessions, next: last && formatPageToken(last), isPartial: false };
  }

  async listServers(page: ServerPage): Promise<ServersPage> {
    return listServers(this.#open(), page);
  }

  async getStats(): Promise<Stats> {
    const { users, devices, part } = countOnline(this.#open());
    return { users, devices, ...(part ?? (await this.#allCounters())), isPartial: false };
  }

  sweep(ended?: EndCounts): Promise<boolean> {
    return this.#change((step) => sweep(step, BATCH), {}, ended);
  }

  changeLog(): ChangeLog {
    return this.#changeLog;
  }

  async check(): Promise<StoreHealth> {
    const failure = failureOf(() => this.#open().root.get('layout'));
    return { shards: 1, unavailable: failure ? [0] : [], failure };
  }

  async close(): Promise<void> {
    const root = this.#tables?.root;
    this.#tables = undefined;
    await root?.close();
  }

  #claimLayout(root: RootDatabase): void {
    const { version } = root.transactionSync(() => {
      if (!root.doesExist('layout')) root.put('layout', { version: LAYOUT_VERSION });
      return root.get('layout');
    });
    if (version === LAYOUT_VERSION) {
      this.#identity = claimIdentity(root);
      return;
    }
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the data folder ${this.#options.dataDir} holds layout version ${version} and this imstate needs ` +
        `${LAYOUT_VERSION}: use the imstate that wrote it, or another --data-dir`,
    );
  }

  #read(tables: Tables, deviceId: string, packed: Buffer): Session | undefined {
    return this.#readRecord(tables, unpackRecord(deviceId, packed));
  }

  #readRecord(tables: Tables, record: SessionRecord): Session | undefined {
    const lease = record.incarnation > 0 ? tables.leases.get(record.serverAddr) : undefined;
    return readRecord(record, lease, this.#now(), this.#options.retentionMs);
  }

  #carryOut({ type, request }: Operation, budget: ReadBudget): Answer | Unfinished {
    switch (type) {
      case 'online':
        return this.#online(request);
      case 'offline':
        return offline(this.#step(), request);
      case 'heartbeat':
        return heartbeat(this.#step(), request);
      case 'getDevice':
        return this.#readDevice(request.userId, request.deviceId);
      case 'getUser':
        return this.#readUser(request.userId, budget);
    }
  }

  #online(login: Login, so?: Replacing): LoginResult | Unfinished {
    const result = online(this.#step(), login, so);
    return 'goOn' in result ? new Unfinished(() => this.#online(login, result.goOn)) : result;
  }

  #readDevice(userId: string, deviceId: string): Session | undefined {
    const tables = this.#open();
    const packed = tables.records.get([userId, deviceId]);
    return packed && this.#read(tables, deviceId, packed);
  }

  /** In parts, if the user has very many records; `before` are the sessions of the devices up to the one named. */
  #readUser(
    userId: string,
    budget: ReadBudget,
    behind?: string,
    before: Session[] = [],
  ): Session[] | Unfinished {
    if (budget.refusal) throw budget.refusal;
    const step = this.#step();
    const { records, bytes, hasMore } = someDevices(step, userId, behind);
    const found = records.flatMap((record) => this.#readRecord(step.tables, record) ?? []);
    budget.spend(found.length, bytes);
    const sessions = [...before, ...found];
    const last = records.at(-1)?.deviceId;
    if (hasMore) return new Unfinished(() => this.#readUser(userId, budget, last, sessions));
    return sessions.sort(newestLoginFirst);
  }

  #step(ended?: EndCounts): Step {
    return new Step(this.#open(), this.#options, this.#now(), this.#work, ended);
  }

  /** Beyond the work of a step, further reads of this turn take turns with everything else. */
  #noteRead(records: number): void {
    if (this.#readInTurn === 0 && records > 0)
      setImmediate(() => {
        this.#readInTurn = 0;
      });
    this.#readInTurn += records;
  }

  /** Makes one change, on its own, in the next transaction; resolves when that is on disk. */
  async #change<T>(
    apply: (step: Step) => T,
    { userId = '', peer }: { userId?: string; peer?: string | undefined } = {},
    ended?: EndCounts,
  ): Promise<T> {
    const [answer] = await this.#changes.add([{ userId, run: () => apply(this.#step(ended)) }], peer);
    if (answer instanceof Error) throw answer;
    return answer as T;
  }

  /**
   * One transaction, committed before this returns: the asynchronous one of lmdb rejects promises of its own that
   * nobody can handle when the disk is full, and is no faster.
   */
  async #commit(changes: Call[]): Promise<StepResult<Call>> {
    const { root } = this.#open();
    try {
      const result = root.transactionSync(() => this.#carryOutSome(changes));
      this.#changeLog.ring();
      return result;
    } catch (error) {
      const message = `the data folder ${this.#options.dataDir} cannot be written (${messageOf(error)}); nothing was changed`;
      throw new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
    }
  }

  /** Carries out the calls in their order, until they have done as much as one step may. */
  #carryOutSome(calls: Call[]): StepResult<Call> {
    this.#work = new StepWork();
    const answers: unknown[] = [];
    while (answers.length < calls.length && this.#work.done < WORK.max) {
      const { userId, run } = calls[answers.length] as Call;
      const answer = settle(run);
      if (answer instanceof Unfinished)
        return { answers, rest: [{ userId, run: answer.goOn }, ...calls.slice(answers.length + 1)] };
      answers.push(answer);
    }
    return { answers, rest: calls.slice(answers.length) };
  }

  #open(): Tables {
    if (this.#tables) return this.#tables;
    throw new ImstateError('STORE_UNAVAILABLE', 'the store is not open: the daemon is starting or stopping');
  }
}

/** Why the function fails; undefined if it does not. */
function failureOf(read: () => unknown): ImstateError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof ImstateError) return error;
    return new ImstateError('STORE_UNAVAILABLE', `the data folder cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What a change gives, or its error: one that fails, before it has written anything, leaves the others be. */
function settle(change: () => unknown): unknown {
  try {
    return change();
  } catch (error) {
    return error;
  }
}

/** The identity of this data; one is made where there is none. Undefined if the disk is full: the next start tries again. */
function claimIdentity(root: RootDatabase): string | undefined {
  try {
    return root.transactionSync(() => {
      if (!root.doesExist('identity')) root.put('identity', newStoreId());
      return root.get('identity');
    });
  } catch {
    return undefined;
  }
}
