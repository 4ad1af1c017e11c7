import type { Redis } from 'ioredis';
import { ImstateError, messageOf } from '../../errors.js';
import { Batcher } from '../batcher.js';
import { endSession, isReadable, newestLoginFirst, type SessionRecord, unpackRecord } from '../record.js';
import type { Login, LoginResult, Logout, PresenceStore, Session, StoreOptions } from '../store.js';
import { describeRedisUrl, makeConnection, storeError } from './connection.js';
import { makeShards, type Shard, shardOf } from './shards.js';

/** Version of the keys and records in Redis: raised by a change that an older imstate could not read. */
const LAYOUT_VERSION = 1;
/** More shards bound more masters of a cluster, but make a batch cost more script calls. */
const DEFAULT_SHARDS = 16;
/** Bound on the work of one script call: about a millisecond of Redis. */
const BATCH = { changes: 128, reads: 128, sweep: 256 };

/** What {@link RedisStore} takes beside the common options. */
export interface RedisStoreOptions extends StoreOptions {
  /** redis:// or rediss://, with user, password and database. */
  url: string;
  /** Put in front of every key. */
  keyPrefix: string;
  /** How many shards to make at first use; later, what the store must have. Undefined takes what is there. */
  shards: number | undefined;
}

/** What ioredis tells of a command of its own that failed. */
type CommandFailure = Error & { command?: { name: string } };

type Change = { login: Login } | { logout: Logout };
/** What change.lua answers to a login, and to a logout. */
type ChangeAnswer = [loginTimeMs: number, replaced: Buffer | null] | number;

/** What read.lua answers for a device, and for a user. */
type ReadAnswer = Buffer | null | Buffer[] | Error;

interface Read {
  userId: string;
  /** Empty reads every device of the user. */
  deviceId: string;
}

/** Sessions in one Redis node: a script call a batch and shard, see scripts/. Rules: see PresenceStore. */
export class RedisStore implements PresenceStore {
  readonly description: string;
  readonly #options: RedisStoreOptions;
  readonly #redis: Redis;
  #lastError: CommandFailure | undefined;
  #unusable: ImstateError | undefined;
  #shards: Shard[] = [];
  #changes: Batcher<Change, ChangeAnswer> | undefined;
  #reads: Batcher<Read, SessionRecord[]> | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.description = describeRedisUrl(options.url);
    this.#redis = makeConnection(options.url);
    this.#redis.on('error', (error: CommandFailure) => {
      this.#lastError = error;
      // ioredis goes on in database 0.
      if (error.command?.name === 'select') this.#unusable = storeUnusable(this.#refusedDatabase(error));
    });
  }

  async open(): Promise<void> {
    try {
      if (this.#redis.status === 'wait' || this.#redis.status === 'end') await this.#redis.connect();
      this.#start(await this.#claimLayout());
      this.#lastError = undefined;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async online(login: Login): Promise<LoginResult> {
    const answer = await this.#change(login.userId, { login });
    const [loginTimeMs, replaced] = answer as [number, Buffer | null];
    return {
      loginTimeMs,
      replaced: replaced
        ? endSession(unpackRecord(login.deviceId, replaced), 'REPLACED', loginTimeMs)
        : undefined,
    };
  }

  async offline(logout: Logout): Promise<boolean> {
    return (await this.#change(logout.userId, { logout })) === 1;
  }

  async getDevice(userId: string, deviceId: string): Promise<Session | undefined> {
    return (await this.#read({ userId, deviceId }))[0];
  }

  async getUser(userId: string): Promise<Session[]> {
    return (await this.#read({ userId, deviceId: '' })).sort(newestLoginFirst);
  }

  async sweep(): Promise<boolean> {
    const due = await Promise.all(
      this.#shards.map(({ deadlines, userPrefix }) =>
        this.#redis.imSweep(1, deadlines, this.#now(), userPrefix, BATCH.sweep),
      ),
    ).catch((error) => {
      throw storeError(error, false);
    });
    return due.some((count) => count === BATCH.sweep);
  }

  /**
   * Also claims the layout again in a Redis that was flushed. If another layout stands there now, this store
   * refuses all calls: with the wrong number of shards it would write where no other daemon looks.
   */
  async check(): Promise<void> {
    try {
      await this.#claimLayout();
    } catch (error) {
      if ((error as ImstateError).code === 'LAYOUT_MISMATCH')
        this.#unusable = storeUnusable(error as ImstateError);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  /** Resolves with the number of shards once the layout in Redis is the one this version can use. */
  async #claimLayout(): Promise<number> {
    const wanted = this.#options.shards ?? (this.#shards.length || DEFAULT_SHARDS);
    const key = `${this.#options.keyPrefix}layout`;
    await this.#selectDatabase();
    const [version, shards] = await this.#redis.imLayout(1, key, LAYOUT_VERSION, wanted).catch((error) => {
      throw storeError(error, false);
    });
    if (version !== String(LAYOUT_VERSION)) {
      throw new ImstateError(
        'LAYOUT_MISMATCH',
        `the store holds layout version ${version} and this imstate needs ${LAYOUT_VERSION}: ` +
          'use the imstate that wrote it, or another --key-prefix or database',
      );
    }
    const mustBe = this.#options.shards ?? (this.#shards.length || Number(shards));
    if (Number(shards) !== mustBe) {
      throw new ImstateError(
        'LAYOUT_MISMATCH',
        `the store was made with ${shards} shards and cannot be used with ${mustBe}: ` +
          `leave --shards out or say --shards ${shards}, or use another --key-prefix or database`,
      );
    }
    this.#unusable = undefined;
    return mustBe;
  }

  async #selectDatabase(): Promise<void> {
    await this.#redis.select(this.#redis.options.db as number).catch((error) => {
      throw error.name === 'ReplyError' ? this.#refusedDatabase(error) : storeError(error, false);
    });
  }

  #refusedDatabase(error: Error): ImstateError {
    const { db } = this.#redis.options;
    const message = `Redis at ${this.description} refused its database ${db} (${error.message}): choose another in --redis`;
    return new ImstateError('BAD_URL', message, { cause: error });
  }

  #start(count: number): void {
    this.#shards = makeShards(this.#options.keyPrefix, count);
    this.#changes = new Batcher(count, BATCH.changes, (shard, changes) => this.#sendChanges(shard, changes));
    this.#reads = new Batcher(count, BATCH.reads, (shard, reads) => this.#sendReads(shard, reads));
  }

  #change(userId: string, change: Change): Promise<ChangeAnswer> {
    return this.#add(this.#changes, userId, change);
  }

  #read(read: Read): Promise<SessionRecord[]> {
    return this.#add(this.#reads, read.userId, read);
  }

  #add<Item, Answer>(
    batcher: Batcher<Item, Answer> | undefined,
    userId: string,
    item: Item,
  ): Promise<Answer> {
    if (batcher === undefined) return Promise.reject(notOpen());
    if (this.#unusable !== undefined) return Promise.reject(this.#unusable);
    return batcher.add(shardOf(userId, this.#shards.length), item);
  }

  async #sendChanges(index: number, changes: Change[]): Promise<(ChangeAnswer | Error)[]> {
    const { deadlines, userPrefix } = this.#shards[index] as Shard;
    const keys = [deadlines];
    const args: (string | number)[] = [this.#now(), this.#options.retentionMs];
    for (const change of changes) {
      if ('login' in change) {
        const { userId, deviceId, sessionId, serverAddr, platform } = change.login;
        keys.push(userPrefix + userId);
        args.push('+', userId, deviceId, sessionId, serverAddr, platform);
      } else {
        const { userId, deviceId, sessionId } = change.logout;
        keys.push(userPrefix + userId);
        args.push('-', userId, deviceId, sessionId ?? '');
      }
    }
    try {
      const answers = await this.#redis.imChangeBuffer(keys.length, ...keys, ...args);
      return (answers as (ChangeAnswer | Error)[]).map((answer) =>
        answer instanceof Error ? storeError(answer, true) : answer,
      );
    } catch (error) {
      throw storeError(error, true);
    }
  }

  async #sendReads(index: number, reads: Read[]): Promise<(SessionRecord[] | Error)[]> {
    const { userPrefix } = this.#shards[index] as Shard;
    const keys = reads.map(({ userId }) => userPrefix + userId);
    const devices = reads.map(({ deviceId }) => deviceId);
    const reply = await this.#redis
      .imReadBuffer(keys.length, ...keys, this.#now(), ...devices)
      .catch((error) => {
        throw storeError(error, false);
      });
    const [now, ...answers] = reply as [number, ...ReadAnswer[]];
    return answers.map((answer, i) => readAnswer(answer, devices[i] as string, now));
  }

  /** The fixed time of a test, or '' for Redis's own clock. */
  #now(): string | number {
    return this.#options.clock?.() ?? '';
  }

  /** A failure to connect, with the reason that ioredis tells only by its error event. */
  #explain(error: unknown): ImstateError {
    if (error instanceof ImstateError && error.code !== 'STORE_UNAVAILABLE') return error;
    const reason = messageOf(this.#lastError ?? error);
    if (/\b(WRONGPASS|NOAUTH)\b/.test(reason)) {
      const message = `Redis at ${this.description} refused the credentials (${reason}): check the user and password in --redis or IMSTATE_REDIS`;
      return new ImstateError('UNAUTHENTICATED', message, { cause: error });
    }
    if (/\bNOPERM\b/.test(reason)) {
      const message = `Redis at ${this.description} grants its user too little (${reason}): allow it in the ACL of Redis`;
      return new ImstateError('PERMISSION_DENIED', message, { cause: error });
    }
    const message = `Redis at ${this.description} cannot be used (${reason}): start it, or correct --redis`;
    return new ImstateError('STORE_UNAVAILABLE', message, { cause: error });
  }
}

/** The sessions in an answer of read.lua that readers may see; a failure concerns this answer alone. */
function readAnswer(answer: ReadAnswer, deviceId: string, now: number): SessionRecord[] | Error {
  if (answer instanceof Error) return storeError(answer, false);
  if (answer === null) return [];
  try {
    const packed = Array.isArray(answer) ? pairs(answer) : [[deviceId, answer] as const];
    return packed
      .map(([device, record]) => unpackRecord(device, record))
      .filter((record) => isReadable(record, now));
  } catch (error) {
    return new Error('a session in Redis cannot be read', { cause: error });
  }
}

/** Device and packed session, from the flat list that Redis gives for a hash. */
function pairs(flat: Buffer[]): [string, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [
    (flat[2 * i] as Buffer).toString(),
    flat[2 * i + 1] as Buffer,
  ]);
}

function storeUnusable(cause: ImstateError): ImstateError {
  return new ImstateError('STORE_UNAVAILABLE', `${cause.message}; nothing was changed`, { cause });
}

function notOpen(): ImstateError {
  return new ImstateError(
    'STORE_UNAVAILABLE',
    'the store is not open yet: the daemon is starting; try again',
  );
}
