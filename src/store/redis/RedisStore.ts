import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { Redis } from 'ioredis';
import type { ServerPage, ServersPage, SessionPage, SessionsPage, Stats } from '../../presence/listings.js';
import { END_REASONS } from '../../presence/record.js';
import { OUTAGE_MS } from '../../presence/rules.js';
import type { KeepAlive, KeepAliveResult, ServerEviction } from '../../presence/servers.js';
import type { PastSession } from '../../presence/sessions.js';
import type { ChangeLog } from '../changeLog.js';
import { newStoreId } from '../identity.js';
import { type Answer, allAnswers, type Operation, OperationByOperation } from '../operations.js';
import { ReadBudget } from '../reads.js';
import type { EndCounts, PresenceStore, StoreHealth, StoreOptions } from '../store.js';
import { readPastSession } from './answers.js';
import { Batches } from './batches.js';
import { type Command, commandOf, evictCommand, userAtCommand } from './commands.js';
import {
  type Connection,
  connectError,
  connectOnce,
  makeConnection,
  makeSubscriber,
  onConnectError,
  storeError,
} from './connection.js';
import { claimLayout, layoutKey, refusedDatabase } from './layout.js';
import { RedisChangeLog } from './RedisChangeLog.js';
import { RedisListings } from './RedisListings.js';
import { Replicas } from './replicas.js';
import { ShardHealth } from './ShardHealth.js';
import { makeShards, type Shard, shardOf } from './shards.js';
import { describeRedisUrl, parseRedisUrl } from './url.js';

/**
 * Bounds on one step of a sweep: about a millisecond of Redis. Steps follow each other for seconds when a large chat
 * server is lost, and whoever reads meanwhile waits for one of them: `npm run bench:sweep`.
 */
const STEP = { deadlines: 128, endings: 64 };
/** Stands for all watches that read users: they share one turn. */
const WATCHES = 'watches';
/** How many sessions of a chat server one call evicts at most. */
const MAX_EVICTED = 10_000;

/** What {@link RedisStore} takes beside the common options. */
export interface RedisStoreOptions extends StoreOptions {
  /** See parseRedisUrl. */
  url: string;
  /** For rediss://; what Node.js trusts and no client certificate if it is left out. */
  tls?: TlsFiles | undefined;
  /** Put in front of every key. */
  keyPrefix: string;
  /** How many shards to make at first use; later, what the store must have. Undefined takes what is there. */
  shards: number | undefined;
  /** How many replicas must have a change before it is acknowledged; by default none. */
  waitReplicas?: number | undefined;
}

/** What ioredis tells of a command of its own that failed. */
type CommandFailure = Error & { command?: { name: string } };

/** Sessions in one Redis node, which Sentinels may name, or in a Redis Cluster: a script call a batch and shard, see scripts/. Rules: see PresenceStore. */
export class RedisStore extends OperationByOperation implements PresenceStore {
  readonly description: string;
  readonly #options: RedisStoreOptions;
  readonly #redis: Connection;
  readonly #replicas: Replicas;
  readonly #listings: RedisListings;
  #lastError: Error | undefined;
  #unusable: ImstateError | undefined;
  #shards: Shard[] = [];
  #identity: string | undefined;
  /** What a store without an identity is given: the one it had, as far as this process knows. */
  #remembered = newStoreId();
  /** Undefined before the store is open. */
  #health: ShardHealth | undefined;
  #batches: Batches | undefined;
  #changeLog: RedisChangeLog | undefined;

  constructor(options: RedisStoreOptions) {
    super();
    this.#options = options;
    this.description = describeRedisUrl(options.url);
    this.#redis = makeConnection(options.url, options.tls);
    this.#replicas = new Replicas(this.#redis, options.waitReplicas ?? 0);
    this.#listings = new RedisListings({
      redis: this.#redis,
      retentionMs: options.retentionMs,
      shards: () => this.#usableShards(),
      health: () => this.#usableHealth(),
      settings: () => this.#settings(),
    });
    onConnectError(this.#redis, (error) => {
      this.#lastError = error;
    });
    this.#redis.on('error', (error: CommandFailure) => {
      if (error.command?.name !== 'select') return;
      if (this.#redis instanceof Redis)
        this.#unusable = storeUnusable(refusedDatabase(this.#redis, options.url, error));
    });
  }

  get identity(): string | undefined {
    return this.#identity;
  }

  async open(): Promise<void> {
    try {
      if (this.#redis.status === 'wait' || this.#redis.status === 'end') await connectOnce(this.#redis);
      this.#start(await this.#claimLayout());
      this.#lastError = undefined;
    } catch (error) {
      throw connectError(this.description, error, this.#lastError);
    }
  }

  apply(operations: readonly Operation[], budget = new ReadBudget()): Promise<(Answer | Error)[]> {
    const { maxDevices } = this.#options;
    const request = { maxDevices, budget };
    return this.#carryOut(
      operations.map((operation) => commandOf(operation, request)),
      budget.peer,
    );
  }

  async evictUser(userId: string, budget?: ReadBudget): Promise<number> {
    const { sessions } = await this.#carryOutOne(userAtCommand(userId), budget?.peer);
    const commands = sessions.map(({ deviceId, sessionId }) => evictCommand({ userId, deviceId, sessionId }));
    const evicted = allAnswers<'offline'>(await this.#carryOut(commands, budget?.peer));
    return evicted.filter(Boolean).length;
  }

  evictSession(session: SessionRef): Promise<boolean> {
    return this.#carryOutOne(evictCommand(session));
  }

  /** A shard that does not answer leaves the others be. */
  async evictServer(serverAddr: string): Promise<ServerEviction> {
    let evicted = 0;
    let failure: ImstateError | undefined;
    for (const [i, shard] of this.#usableShards().entries()) {
      try {
        // Not as a change: sessions of other shards may have been evicted when it is said.
        this.#health?.check(i);
        for (let more = 1; more === 1; ) {
          if (evicted >= MAX_EVICTED) return { evicted, more: true, failure: undefined };
          const args = [...this.#settings(), serverAddr, STEP.endings];
          const [count, isMore] = await this.#write<[number, number]>(shard, (redis) =>
            redis.imEvictServer(...shard.keys, ...args),
          );
          evicted += count;
          more = isMore;
        }
      } catch (error) {
        failure ??= error as ImstateError;
      }
    }
    if (failure && evicted === 0) throw failure;
    return { evicted, more: false, failure };
  }

  /**
   * Each shard has a lease of its own, so that its scripts can judge sessions by themselves. Each is kept alive by itself: a shard
   * that does not answer judges nothing, gives leases their whole time again when it comes back, and asks for a resync if it
   * lacks what it acknowledged.
   */
  async keepServerAlive({ serverAddr, incarnation, ttlMs, resynced }: KeepAlive): Promise<KeepAliveResult> {
    const done = new Map(resynced.split(',').map((each) => each.split(':') as [string, string]));
    const { answers, isPartial } = await this.#usableHealth().askAll((shard, i) => {
      const args = [...this.#settings(), serverAddr, incarnation, ttlMs, done.get(String(i)) ?? ''];
      return this.#write<[string, number, number]>(shard, (redis) =>
        redis.imKeepServerAlive(...shard.keys, ...args),
      );
    }, true);
    const each = [...answers].sort(([a], [b]) => a - b);
    return {
      incarnation: Math.max(...each.map(([, [known]]) => Number(known))),
      resyncToken: each.flatMap(([i, [, resync]]) => (resync > 0 ? [`${i}:${resync}`] : [])).join(','),
      hasEnded: each.some(([, [, , hasEnded]]) => hasEnded === 1),
      isPartial,
    };
  }

  async getHistory(userId: string): Promise<PastSession[]> {
    const shards = this.#usableShards();
    const shard = shardOf(userId, shards.length);
    this.#health?.check(shard);
    const { keys } = shards[shard] as Shard;
    const { historyLimit, historyRetentionMs } = this.#options;
    const reply = await this.#redis
      .imHistoryBuffer(...keys, this.#now(), userId, historyLimit)
      .catch(rejectAs(false));
    const [now, entries] = reply as [number, Buffer[]];
    return entries.map(readPastSession).filter(({ endTimeMs }) => endTimeMs > now - historyRetentionMs);
  }

  async listSessions(page: SessionPage): Promise<SessionsPage> {
    return this.#listings.listSessions(page);
  }

  async listServers(page: ServerPage): Promise<ServersPage> {
    return this.#listings.listServers(page);
  }

  async getStats(): Promise<Stats> {
    return this.#listings.getStats();
  }

  /**
   * A shard after the other, so that no other call waits behind more than one step. Those that do not answer leave the others be: it
   * rejects only where nothing is left to do in the others. It waits for no replicas: nobody is told, and what is lost is swept again.
   */
  async sweep(ended?: EndCounts): Promise<boolean> {
    let hasMore = false;
    let failure: ImstateError | undefined;
    for (const [i, { keys }] of this.#usableShards().entries()) {
      if (this.#failureOf(i)) continue;
      const args = [...this.#settings(), STEP.deadlines, STEP.endings, OUTAGE_MS];
      await this.#redis.imSweep(...keys, ...args).then(
        ([more, ...counts]) => {
          if (more === 1) hasMore = true;
          if (ended) addCounts(ended, counts);
        },
        (error) => {
          failure ??= storeError(error, false);
        },
      );
    }
    if (failure && !hasMore) throw failure;
    return hasMore;
  }

  /**
   * Also claims the layout again in a Redis that was flushed. If another layout stands there now, this store
   * refuses all calls: with the wrong number of shards it would write where no other daemon looks. In a cluster the layout is on
   * one master like any other: while that does not answer, the layout that is known stays in force.
   */
  async check(): Promise<StoreHealth> {
    const health = this.#health;
    if (health === undefined) return this.#allUnavailable(notOpen());
    try {
      if (await health.probe(layoutKey(this.#options))) await this.#claimLayout();
    } catch (error) {
      const failure = error as ImstateError;
      if (failure.code === 'LAYOUT_MISMATCH') this.#unusable = storeUnusable(failure);
      if (failure.code === 'LAYOUT_MISMATCH' || this.#redis instanceof Redis)
        return this.#allUnavailable(failure);
    }
    return health.health;
  }

  changeLog(): ChangeLog {
    this.#usableShards();
    return this.#changeLog as RedisChangeLog;
  }

  async close(): Promise<void> {
    this.#changeLog?.close();
    this.#redis.disconnect();
  }

  #allUnavailable(failure: ImstateError): StoreHealth {
    const { length: shards } = this.#shards;
    return { shards, unavailable: this.#shards.map((_, shard) => shard), failure };
  }

  async #claimLayout(): Promise<number> {
    const known = { shards: this.#shards.length, identity: this.#remembered };
    const { shards, identity } = await claimLayout(this.#redis, this.#options, known);
    this.#unusable = undefined;
    this.#identity = identity;
    if (identity !== undefined) this.#remembered = identity;
    return shards;
  }

  #start(count: number): void {
    this.#shards = makeShards(this.#options.keyPrefix, count);
    const { retentionMs, maxDevices, url, tls, keyPrefix, onBatch } = this.#options;
    const settings = () => this.#settings();
    const [redis, replicas, shards] = [this.#redis, this.#replicas, this.#shards];
    const health = new ShardHealth(redis, shards);
    this.#health = health;
    const parts = { redis, replicas, health, shards };
    this.#batches = new Batches({ ...parts, retentionMs, maxDevices, settings, onBatch });
    this.#changeLog = new RedisChangeLog({
      redis,
      health,
      shards,
      channels: { bell: `${keyPrefix}bell`, changes: `${keyPrefix}changes:${parseRedisUrl(url).db}` },
      makeSubscriber: () => makeSubscriber(url, tls),
      settings,
      retentionMs,
      readUser: (userId) => this.#carryOutOne(userAtCommand(userId), WATCHES),
    });
  }

  #failureOf(shard: number): ImstateError | undefined {
    return this.#health?.failureOf(shard);
  }

  #usableShards(): Shard[] {
    if (this.#shards.length === 0) throw notOpen();
    if (this.#unusable !== undefined) throw this.#unusable;
    return this.#shards;
  }

  #usableHealth(): ShardHealth {
    this.#usableShards();
    return this.#health as ShardHealth;
  }

  async #carryOut<Result>(commands: Command<Result>[], peer?: string): Promise<(Result | Error)[]> {
    try {
      this.#usableShards();
    } catch (error) {
      return commands.map(() => error as Error);
    }
    return (this.#batches as Batches).apply(commands, peer);
  }

  async #carryOutOne<Result>(command: Command<Result>, peer?: string): Promise<Result> {
    const [result] = await this.#carryOut([command], peer);
    if (result instanceof Error) throw result;
    return result as Result;
  }

  /** Sends a script that changes something in a shard, and rejects unless that is safe. */
  async #write<Answer>(shard: Shard, send: (redis: Connection) => Promise<unknown>): Promise<Answer> {
    const { answer, unsafe } = await this.#replicas.write<Answer>(shard, send).catch(rejectAs(true));
    if (unsafe) throw unsafe;
    return answer;
  }

  /** The arguments with which all scripts that change a shard begin, see scripts/keys.lua and sessions.lua. */
  #settings(): (string | number)[] {
    const { retentionMs, historyLimit, historyRetentionMs, changeLimit } = this.#options;
    const changesOfShard = Math.ceil(changeLimit / this.#shards.length);
    return [this.#now(), retentionMs, historyLimit, historyRetentionMs, changesOfShard];
  }

  /** The fixed time of a test, or '' for Redis's own clock. */
  #now(): string | number {
    return this.#options.clock?.() ?? '';
  }
}

/** Adds what scripts/sweep.lua counted: by the number of the reason. */
function addCounts(ended: EndCounts, counts: number[]): void {
  for (const [i, count] of counts.entries()) {
    const reason = END_REASONS[i + 1];
    if (reason !== undefined) ended[reason] += count;
  }
}

/** Makes of what ioredis rejects with the store's error. */
function rejectAs(isChange: boolean): (error: unknown) => never {
  return (error) => {
    throw storeError(error, isChange);
  };
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
