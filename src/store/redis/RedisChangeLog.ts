import { createHash } from 'node:crypto';
import type { Session, UserSession } from '../../presence/sessions.js';
import type { ChangeLog, ChangeLogEntry, LogPosition, SnapshotPart, UserAt } from '../changeLog.js';
import type { ApplyCalls } from './apply.js';
import { parseLogPosition, readEntry, readMessage } from './changes.js';
import type { Connection } from './connection.js';
import { readUserAtCommand } from './read.js';
import { Leases, readRecorded } from './replies.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';
import { BUCKETS } from './scriptConstants.js';
import { type Shard, shardOf } from './shards.js';
import { TailCache } from './TailCache.js';

/** Stands for all watches that read users: they share one turn. */
const WATCHES = 'watches';

/** What a {@link RedisChangeLog} works with. */
export interface RedisChangeLogOptions {
  scripts: ShardScripts;
  calls: ApplyCalls;
  /** Makes a connection that waits for notifications. */
  makeSubscriber(): Connection;
  /**
   * The notification channels: for changes, and for the number of a shard with too many of them. See
   * scripts/changes.lua.
   */
  channels: { changes: string; shards: string };
}

/** The streams im:{S}:e, and the notifications of their growth. See ChangeLog. */
export class RedisChangeLog implements ChangeLog {
  readonly #options: RedisChangeLogOptions;
  readonly #listeners = new Set<(shard: number) => void>();
  readonly #tails: TailCache[];
  #subscriber: Connection | undefined;

  constructor(options: RedisChangeLogOptions) {
    this.#options = options;
    this.#tails = options.scripts.shards.map(() => new TailCache());
  }

  get shards(): number {
    return this.#options.scripts.shards.length;
  }

  shardOf(userId: string): number {
    return shardOf(userId, this.shards);
  }

  partOf(userId: string): string {
    const [first = 0] = createHash('sha1').update(userId).digest();
    return `${this.shardOf(userId)}/${first % BUCKETS}`;
  }

  /** Positions begin with the time. */
  changeId(shard: number, { position }: ChangeLogEntry): string {
    return `${shard}-${position[0]}-${position[1]}`;
  }

  async ends(shard: number): Promise<{ oldest: LogPosition; newest: LogPosition }> {
    const [oldest, newest] = (await this.#call(shard, 'ends')) as [Buffer, Buffer];
    return { oldest: parseLogPosition(oldest), newest: parseLogPosition(newest) };
  }

  async positionBefore(shard: number, timeMs: number): Promise<LogPosition | undefined> {
    const id = (await this.#call(shard, 'before', Math.max(0, timeMs - 1))) as Buffer | null;
    return id === null ? undefined : parseLogPosition(id);
  }

  async countAfter(
    shard: number,
    position: LogPosition,
    max: number,
  ): Promise<{ changes: number; oldestMs: number | undefined } | undefined> {
    const reply = (await this.#call(shard, 'count', max, position.join('-'))) as
      | [number, Buffer | null]
      | null;
    if (reply === null) return undefined;
    const [changes, first] = reply;
    return { changes, oldestMs: first ? parseLogPosition(first)[0] : undefined };
  }

  /**
   * Serves what notifications have delivered; reads from Redis if they have delivered nothing, or were lost.
   */
  async read(
    shard: number,
    after: LogPosition,
    limit: number,
  ): Promise<{ entries: ChangeLogEntry[]; upTo: LogPosition } | undefined> {
    const delivered = (this.#tails[shard] as TailCache).take(after, limit);
    const end = delivered.at(-1);
    if (end) return { entries: delivered, upTo: end.position };
    const reply = await this.#call(shard, after.join('-'), limit);
    if (reply === null) return undefined;
    const found = reply as [Buffer, Buffer[]][];
    const entries: ChangeLogEntry[] = [];
    for (const [id, [, member, , change]] of found) {
      const entry = readEntry(id, member as Buffer, change as Buffer);
      if (entry) entries.push(entry);
    }
    const last = found.at(-1);
    return { entries, upTo: last ? parseLogPosition(last[0]) : after };
  }

  onGrowth(listener: (shard: number) => void): () => void {
    this.#listeners.add(listener);
    this.#subscriber ??= this.#subscribe();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  readUser(userId: string): Promise<{ sessions: Session[]; position: LogPosition }> {
    return this.#options.calls.runOne(readUserAtCommand(userId), WATCHES);
  }

  async *snapshot(shard: number, serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart> {
    const { scripts } = this.#options;
    const { retentionMs } = scripts.options;
    const { keys } = scripts.shards[shard] as Shard;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      scripts.health.check(shard);
      const args = [...scripts.settings(), bucket, ...(serverAddrs ?? [])];
      const reply = await scripts.redis.imSnapshotBuffer(...keys, ...args).catch(rejectRead);
      const [now, leases, newest, ...flat] = reply as [number, Buffer[], Buffer, ...(Buffer | null)[]];
      const sessions = readRecorded(flat, { now, leases: new Leases(leases), retentionMs });
      yield {
        part: `${shard}/${bucket}`,
        shard,
        position: parseLogPosition(newest),
        users: byUser(sessions),
      };
    }
  }

  /** Drops what notifications have delivered of the shard of a user. */
  clearTail(userId: string): void {
    this.#tails[this.shardOf(userId)]?.clear();
  }

  /** Ends the subscription; a new listener starts another one. */
  close(): void {
    this.#subscriber?.disconnect();
    this.#subscriber = undefined;
    this.#clearTails();
  }

  /** Calls scripts/changeLog.lua. */
  async #call(shard: number, ...args: (string | number)[]): Promise<unknown> {
    const { redis, health, shards } = this.#options.scripts;
    health.check(shard);
    const { keys } = shards[shard] as Shard;
    return redis.imChangeLogBuffer(...keys, '', ...args).catch(rejectRead);
  }

  #subscribe(): Connection {
    const { makeSubscriber, channels } = this.#options;
    const subscriber = makeSubscriber();
    subscriber.on('error', () => {});
    // It may reconnect to a Redis that was restored, in which positions need not mean what they meant.
    subscriber.on('close', () => this.#clearTails());
    subscriber.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      if (subscriber === this.#subscriber) this.#receive(channel.toString(), message);
    });
    subscriber.subscribe(channels.shards, channels.changes).catch(() => {});
    return subscriber;
  }

  #receive(channel: string, bytes: Buffer): void {
    if (channel === this.#options.channels.shards) {
      this.#notify(Number(bytes.toString()));
      return;
    }
    const message = readMessage(bytes);
    this.#tails[message.shard]?.add(message);
    this.#notify(message.shard);
  }

  #notify(shard: number): void {
    for (const listener of this.#listeners) listener(shard);
  }

  #clearTails(): void {
    for (const tail of this.#tails) tail.clear();
  }
}

function byUser(sessions: UserSession[]): UserAt[] {
  const users = new Map<string, Session[]>();
  for (const { userId, session } of sessions) {
    const known = users.get(userId);
    if (known) known.push(session);
    else users.set(userId, [session]);
  }
  return [...users].map(([userId, each]) => ({ userId, sessions: each }));
}
