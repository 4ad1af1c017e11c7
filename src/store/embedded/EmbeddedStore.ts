import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { makeFolder, unusable } from '../../dataFolder.js';
import { ImstateError, messageOf } from '../../errors.js';
import { Batcher } from '../batcher.js';
import type { Ledger } from '../ledger.js';
import { type Answer, type Operation, OperationByOperation } from '../operations.js';
import { formatPlace, otherPlace, parsePlace } from '../place.js';
import { unpackRecord } from '../record.js';
import { newestLoginFirst, readLease, readRecord } from '../rules.js';
import type {
  ChatServer,
  EndCounts,
  KeepAlive,
  KeepAliveResult,
  PastSession,
  PresenceStore,
  Session,
  SessionPage,
  SessionRef,
  Stats,
  StoreOptions,
  UserSession,
} from '../store.js';
import { evict, heartbeat, offline, online } from './changes.js';
import { checkDataFile } from './checkDataFile.js';
import { EmbeddedLedger } from './EmbeddedLedger.js';
import { keepServerAlive } from './leases.js';
import { Step } from './step.js';
import { evictServer, sweep } from './sweep.js';
import { LAST, openTables, type RecordKey, type SessionKey, type Tables, under } from './tables.js';

/** Version of the keys and records in the data folder: raised by a change that an older imstate could not read. */
const LAYOUT_VERSION = 1;
/** Bounds on the work of one transaction, which holds up everything else meanwhile. */
const BATCH = { changes: 256, deadlines: 256, endings: 64, evictions: 256 };

/** The beginning of all sessions. */
const FIRST_PLACE: SessionKey = ['', '', ''];

/** What {@link EmbeddedStore} takes beside the common options. */
export interface EmbeddedStoreOptions extends StoreOptions {
  /** The data folder; made if it is not there. */
  dataDir: string;
}

/**
 * Sessions in an LMDB file of the data folder. A change is acknowledged once its transaction is on disk, so it
 * survives `kill -9` and a power cut; changes made at once share a transaction. Rules: see PresenceStore.
 */
export class EmbeddedStore extends OperationByOperation implements PresenceStore {
  readonly description: string;
  readonly #options: EmbeddedStoreOptions;
  readonly #now: () => number;
  readonly #changes = new Batcher<() => unknown>({
    ...{ shards: 1, maxItems: BATCH.changes },
    shardOf: () => 0,
    send: (changes) => this.#commit(changes),
    onStep: (ms, hasFailed) => this.#options.onStep?.(ms, hasFailed),
  });
  readonly #ledger = new EmbeddedLedger(() => this.#open());
  #tables: Tables | undefined;

  constructor(options: EmbeddedStoreOptions) {
    super();
    this.#options = options;
    this.#now = options.clock ?? Date.now;
    this.description = `embedded, ${options.dataDir}`;
  }

  async open(): Promise<void> {
    let root: RootDatabase;
    try {
      const { open } = await import('lmdb');
      await makeFolder(this.#options.dataDir);
      // Without overlappingSync a commit returns after its fsync, which is what we promise.
      const path = join(this.#options.dataDir, 'presence.lmdb');
      checkDataFile(path);
      root = open({ path, overlappingSync: false });
      this.#tables = openTables(root);
    } catch (error) {
      throw error instanceof ImstateError ? error : unusable(this.#options.dataDir, error);
    }
    this.#claimLayout(root);
  }

  /** Reads at once, unless there are changes to wait for: then all is done in their order, in transactions. */
  async apply(operations: readonly Operation[]): Promise<(Answer | Error)[]> {
    const isRead = operations.every(({ kind }) => kind === 'getUser' || kind === 'getDevice');
    const calls = operations.map((operation) => () => this.#carryOut(operation));
    const answers = isRead && this.#changes.isIdle(0) ? calls.map(apart) : await this.#changes.add(calls);
    return answers as (Answer | Error)[];
  }

  keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult> {
    return this.#change((step) => keepServerAlive(step, keepAlive));
  }

  evictUser(userId: string): Promise<number> {
    return this.#change((step) => evict(step, userId));
  }

  async evictSession(session: SessionRef): Promise<boolean> {
    return (await this.#change((step) => evict(step, session.userId, session))) === 1;
  }

  evictServer(serverAddr: string): Promise<{ evicted: number; more: boolean }> {
    return this.#change((step) => evictServer(step, serverAddr, BATCH.evictions));
  }

  async getHistory(userId: string): Promise<PastSession[]> {
    const since = this.#now() - this.#options.historyRetentionMs;
    const range = new Step(this.#open(), this.#options, 0).historyOf(userId);
    const limit = this.#options.historyLimit;
    return [...this.#open().history.getRange({ ...range, limit })]
      .map(({ value }) => value)
      .filter(({ endTimeMs }) => endTimeMs > since);
  }

  async listSessions({
    serverAddr,
    limit,
    after,
  }: SessionPage): Promise<{ sessions: UserSession[]; next: string | undefined }> {
    const tables = this.#open();
    const only = serverAddr === undefined ? [] : [serverAddr];
    const start = after === undefined ? only : parsePlace(after, FIRST_PLACE);
    if (serverAddr !== undefined && start[0] !== serverAddr) throw otherPlace();
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
    return { sessions, next: last && formatPlace(last) };
  }

  async listServers(): Promise<ChatServer[]> {
    const { counters, leases } = this.#open();
    const servers = new Map<string, ChatServer>();
    for (const { key, value } of counters.getRange({ start: 's:', end: 's;' })) {
      const serverAddr = key.slice(2);
      servers.set(serverAddr, { serverAddr, sessions: value, lease: undefined });
    }
    for (const { key: serverAddr, value } of leases.getRange({})) {
      const { sessions } = servers.get(serverAddr) ?? { sessions: 0 };
      servers.set(serverAddr, { serverAddr, sessions, lease: readLease(value) });
    }
    return [...servers.values()].sort((a, b) => (a.serverAddr < b.serverAddr ? -1 : 1));
  }

  async getStats(): Promise<Stats> {
    const { counters } = this.#open();
    const countsOf = (prefix: string) =>
      new Map(
        [...counters.getRange({ start: `${prefix}:`, end: `${prefix};` })].map(({ key, value }) => [
          key.slice(2),
          value,
        ]),
      );
    return {
      users: counters.get('users') ?? 0,
      devices: counters.get('devices') ?? 0,
      byPlatform: countsOf('p'),
      byServer: countsOf('s'),
    };
  }

  sweep(ended?: EndCounts): Promise<boolean> {
    return this.#change((step) => sweep(step, BATCH), ended);
  }

  ledger(): Ledger {
    return this.#ledger;
  }

  async check(): Promise<void> {
    this.#open().root.get('layout');
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
    if (version === LAYOUT_VERSION) return;
    throw new ImstateError(
      'LAYOUT_MISMATCH',
      `the data folder ${this.#options.dataDir} holds layout version ${version} and this imstate needs ` +
        `${LAYOUT_VERSION}: use the imstate that wrote it, or another --data-dir`,
    );
  }

  #read(tables: Tables, deviceId: string, packed: Buffer): Session | undefined {
    const record = unpackRecord(deviceId, packed);
    const lease = record.incarnation > 0 ? tables.leases.get(record.serverAddr) : undefined;
    return readRecord(record, lease, this.#now(), this.#options.retentionMs);
  }

  #carryOut({ kind, of }: Operation): Answer {
    switch (kind) {
      case 'online':
        return online(this.#step(), of);
      case 'offline':
        return offline(this.#step(), of);
      case 'heartbeat':
        return heartbeat(this.#step(), of);
      case 'getDevice':
        return this.#readDevice(of.userId, of.deviceId);
      case 'getUser':
        return this.#readUser(of.userId);
    }
  }

  #readDevice(userId: string, deviceId: string): Session | undefined {
    const tables = this.#open();
    const packed = tables.records.get([userId, deviceId]);
    return packed && this.#read(tables, deviceId, packed);
  }

  #readUser(userId: string): Session[] {
    const tables = this.#open();
    return [...tables.records.getRange(under<RecordKey>(userId))]
      .flatMap(({ key, value }) => this.#read(tables, key[1], value) ?? [])
      .sort(newestLoginFirst);
  }

  #step(ended?: EndCounts): Step {
    return new Step(this.#open(), this.#options, this.#now(), ended);
  }

  /** Makes one change, on its own, in the next transaction; resolves when that is on disk. */
  async #change<T>(apply: (step: Step) => T, ended?: EndCounts): Promise<T> {
    const [answer] = await this.#changes.add([() => apply(this.#step(ended))]);
    if (answer instanceof Error) throw answer;
    return answer as T;
  }

  /**
   * One transaction, committed before this returns: the asynchronous one of lmdb rejects promises of its own that
   * nobody can handle when the disk is full, and is no faster.
   */
  async #commit(changes: (() => unknown)[]): Promise<unknown[]> {
    const { root } = this.#open();
    try {
      const answers = root.transactionSync(() => changes.map(apart));
      this.#ledger.ring();
      return answers;
    } catch (error) {
      const message = `the data folder ${this.#options.dataDir} cannot be written (${messageOf(error)}); nothing was changed`;
      throw new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
    }
  }

  #open(): Tables {
    if (this.#tables) return this.#tables;
    throw new ImstateError('STORE_UNAVAILABLE', 'the store is not open: the daemon is starting or stopping');
  }
}

/** What a change gives, or its error: one that fails, before it has written anything, leaves the others be. */
function apart(change: () => unknown): unknown {
  try {
    return change();
  } catch (error) {
    return error;
  }
}
