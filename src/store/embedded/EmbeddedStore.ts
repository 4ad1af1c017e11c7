import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { makeFolder, unusable } from '../../dataFolder.js';
import { ImstateError, messageOf } from '../../errors.js';
import { Batcher } from '../batcher.js';
import {
  endSession,
  isReadable,
  newestLoginFirst,
  packRecord,
  type SessionRecord,
  unpackRecord,
} from '../record.js';
import type { Login, LoginResult, Logout, PresenceStore, Session, StoreOptions } from '../store.js';
import { checkDataFile } from './checkDataFile.js';

/** Version of the keys and records in the data folder: raised by a change that an older imstate could not read. */
const LAYOUT_VERSION = 1;
/** Bound on the work of one transaction and of one sweep, which hold up everything else meanwhile. */
const BATCH = 256;
/** Sorts behind every device id. */
const LAST_DEVICE = Buffer.of(0xff);

/** What {@link EmbeddedStore} takes beside the common options. */
export interface EmbeddedStoreOptions extends StoreOptions {
  /** The data folder; made if it is not there. */
  dataDir: string;
}

type RecordKey = [userId: string, deviceId: string];
type DeadlineKey = [deadlineMs: number, userId: string, deviceId: string];

/**
 * Sessions in an LMDB file of the data folder. A change is acknowledged once its transaction is on disk, so it
 * survives `kill -9` and a power cut; changes made at once share a transaction. Rules: see PresenceStore.
 */
export class EmbeddedStore implements PresenceStore {
  readonly description: string;
  readonly #options: EmbeddedStoreOptions;
  readonly #now: () => number;
  readonly #changes = new Batcher<() => unknown, unknown>(1, BATCH, (_, changes) => this.#commit(changes));
  #root: RootDatabase | undefined;
  #records: Database<Buffer, RecordKey> | undefined;
  #deadlines: Database<Buffer, DeadlineKey> | undefined;

  constructor(options: EmbeddedStoreOptions) {
    this.#options = options;
    this.#now = options.clock ?? Date.now;
    this.description = `embedded, ${options.dataDir}`;
  }

  async open(): Promise<void> {
    try {
      const { open } = await import('lmdb');
      await makeFolder(this.#options.dataDir);
      // Without overlappingSync a commit returns after its fsync, which is what we promise.
      const path = join(this.#options.dataDir, 'presence.lmdb');
      checkDataFile(path);
      this.#root = open({ path, overlappingSync: false });
      this.#records = this.#root.openDB({ name: 'records', encoding: 'binary' });
      this.#deadlines = this.#root.openDB({ name: 'deadlines', encoding: 'binary' });
    } catch (error) {
      throw error instanceof ImstateError ? error : unusable(this.#options.dataDir, error);
    }
    this.#claimLayout();
  }

  online(login: Login): Promise<LoginResult> {
    return this.#change((records, deadlines) => {
      const now = this.#now();
      const key: RecordKey = [login.userId, login.deviceId];
      const current = get(records, key);
      const refreshed = current?.online && current.sessionId === login.sessionId;
      const loginTimeMs = refreshed ? current.loginTimeMs : now;
      const record: SessionRecord = {
        ...{ deviceId: login.deviceId, sessionId: login.sessionId },
        ...{ serverAddr: login.serverAddr, platform: login.platform },
        ...{ online: true, loginTimeMs, lastSeenMs: now, logoutTimeMs: undefined, endReason: undefined },
        deadlineMs: 0,
      };
      records.put(key, packRecord(record));
      if (current && !current.online) deadlines.remove([current.deadlineMs, ...key]);
      return {
        loginTimeMs,
        replaced: current?.online && !refreshed ? endSession(current, 'REPLACED', now) : undefined,
      };
    });
  }

  offline(logout: Logout): Promise<boolean> {
    return this.#change((records, deadlines) => {
      const now = this.#now();
      const key: RecordKey = [logout.userId, logout.deviceId];
      const current = get(records, key);
      if (!current?.online) return false;
      if (logout.sessionId !== undefined && current.sessionId !== logout.sessionId) return false;
      if (this.#options.retentionMs === 0) {
        records.remove(key);
        return true;
      }
      const deadlineMs = now + this.#options.retentionMs;
      records.put(key, packRecord({ ...endSession(current, 'LOGOUT', now), deadlineMs }));
      deadlines.put([deadlineMs, ...key], Buffer.alloc(0));
      return true;
    });
  }

  async getDevice(userId: string, deviceId: string): Promise<Session | undefined> {
    const record = this.#use(({ records }) => get(records, [userId, deviceId]));
    return record && isReadable(record, this.#now()) ? record : undefined;
  }

  async getUser(userId: string): Promise<Session[]> {
    const range = {
      start: [userId] as unknown as RecordKey,
      end: [userId, LAST_DEVICE] as unknown as RecordKey,
    };
    const entries = this.#use(({ records }) => [...records.getRange(range)]);
    const now = this.#now();
    return entries
      .map(({ key, value }) => unpackRecord(key[1], value))
      .filter((record) => isReadable(record, now))
      .sort(newestLoginFirst);
  }

  sweep(): Promise<boolean> {
    return this.#change((records, deadlines) => {
      const now = this.#now();
      const due = [...deadlines.getKeys({ end: [now + 1] as unknown as DeadlineKey, limit: BATCH })];
      for (const key of due) {
        const [deadlineMs, userId, deviceId] = key;
        const record = get(records, [userId, deviceId]);
        if (record?.deadlineMs === deadlineMs) records.remove([userId, deviceId]);
        deadlines.remove(key);
      }
      return due.length === BATCH;
    });
  }

  async check(): Promise<void> {
    this.#use(({ root }) => root.get('layout'));
  }

  async close(): Promise<void> {
    const root = this.#root;
    this.#root = undefined;
    await root?.close();
  }

  #claimLayout(): void {
    const root = this.#root as RootDatabase;
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

  /** Makes one change, on its own, in the next transaction; resolves when that is on disk. */
  async #change<T>(
    apply: (records: Database<Buffer, RecordKey>, deadlines: Database<Buffer, DeadlineKey>) => T,
  ): Promise<T> {
    const change = () => this.#use(({ records, deadlines }) => apply(records, deadlines));
    return (await this.#changes.add(0, change)) as T;
  }

  /**
   * One transaction, committed before this returns: the asynchronous one of lmdb rejects promises of its own that
   * nobody can handle when the disk is full, and is no faster.
   */
  async #commit(changes: (() => unknown)[]): Promise<unknown[]> {
    return this.#use(({ root }) => {
      try {
        return root.transactionSync(() => changes.map(apart));
      } catch (error) {
        const message = `the data folder ${this.#options.dataDir} cannot be written (${messageOf(error)}); nothing was changed`;
        throw new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
      }
    });
  }

  #use<T>(action: (open: OpenDatabases) => T): T {
    const [root, records, deadlines] = [this.#root, this.#records, this.#deadlines];
    if (root && records && deadlines) return action({ root, records, deadlines });
    throw new ImstateError('STORE_UNAVAILABLE', 'the store is not open: the daemon is starting or stopping');
  }
}

interface OpenDatabases {
  root: RootDatabase;
  records: Database<Buffer, RecordKey>;
  deadlines: Database<Buffer, DeadlineKey>;
}

function get(records: Database<Buffer, RecordKey>, key: RecordKey): SessionRecord | undefined {
  const packed = records.get(key);
  return packed && unpackRecord(key[1], packed);
}

/** What a change gives, or its error: one that fails, before it has written anything, leaves the others be. */
function apart(change: () => unknown): unknown {
  try {
    return change();
  } catch (error) {
    return error;
  }
}
