import { createHash } from 'node:crypto';
import type { Session } from '../../presence/sessions.js';
import type { ChangeLog, ChangeLogEntry, LogPosition, SnapshotPart } from '../changeLog.js';
import { Leases, readRecorded } from './answers.js';
import { parseLogPosition, readEntry, readMessage } from './changes.js';
import { type Connection, storeError } from './connection.js';
import type { ShardHealth } from './ShardHealth.js';
import { BUCKETS } from './scriptConstants.js';
import { type Shard, shardOf } from './shards.js';
import { TailCache } from './TailCache.js';

/** What a {@link RedisChangeLog} works with. */
export interface RedisChangeLogOptions {
  redis: Connection;
  /** Makes a connection that waits for messages. */
  makeSubscriber(): Connection;
  health: ShardHealth;
  shards: Shard[];
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** Where scripts tell what they wrote, and say which shard has news where that is too much; see scripts/changes.lua. */
  channels: { changes: string; bell: string };
  /** The arguments that scripts of a shard begin with. */
  settings(): (string | number)[];
  /** Reads a user, with the newest entry of its change log. */
  readUser(userId: string): Promise<{ sessions: Session[]; place: LogPosition }>;
}

/** The streams im:{S}:e, and what is told of them as they grow. See ChangeLog. */
export class RedisChangeLog implements ChangeLog {
  readonly #options: RedisChangeLogOptions;
  readonly #listeners = new Set<(shard: number) => void>();
  readonly #chains: TailCache[];
  #subscriber: Connection | undefined;

  constructor(options: RedisChangeLogOptions) {
    this.#options = options;
    this.#chains = options.shards.map(() => new TailCache());
  }

  get shards(): number {
    return this.#options.shards.length;
  }

  shardOf(userId: string): number {
    return shardOf(userId, this.shards);
  }

  partOf(userId: string): string {
    const [first = 0] = createHash('sha1').update(userId).digest();
    return `${this.shardOf(userId)}/${first % BUCKETS}`;
  }

  async ends(shard: number): Promise<{ oldest: LogPosition; newest: LogPosition }> {
    const { redis, health } = this.#options;
    health.check(shard);
    const { keys } = this.#options.shards[shard] as Shard;
    const reply = await redis.imChangeLogBuffer(...keys, '', 'ends').catch(rejectRead);
    const [oldest, newest] = reply as [Buffer, Buffer];
    return { oldest: parseLogPosition(oldest), newest: parseLogPosition(newest) };
  }

  /** Asks Redis unless messages have brought what follows: where none came, since none was sent or it was lost, it does ask. */
  async read(
    shard: number,
    after: LogPosition,
    limit: number,
  ): Promise<{ entries: ChangeLogEntry[]; upTo: LogPosition } | undefined> {
    const brought = (this.#chains[shard] as TailCache).take(after, limit);
    const end = brought.at(-1);
    if (end) return { entries: brought, upTo: end.place };
    const { redis, health, shards } = this.#options;
    health.check(shard);
    const { keys } = shards[shard] as Shard;
    const reply = await redis.imChangeLogBuffer(...keys, '', after.join('-'), limit).catch(rejectRead);
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

  onNews(listener: (shard: number) => void): () => void {
    this.#listeners.add(listener);
    this.#subscriber ??= this.#subscribe();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  readUser(userId: string): Promise<{ sessions: Session[]; place: LogPosition }> {
    return this.#options.readUser(userId);
  }

  async *snapshot(shard: number, serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart> {
    const { redis, health, shards, settings, retentionMs } = this.#options;
    const { keys } = shards[shard] as Shard;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      health.check(shard);
      const args = [...settings(), bucket, ...(serverAddrs ?? [])];
      const reply = await redis.imSnapshotBuffer(...keys, ...args).catch(rejectRead);
      const [now, leases, newest, ...flat] = reply as [number, Buffer[], Buffer, ...(Buffer | null)[]];
      const sessions = readRecorded(flat, { now, leases: new Leases(leases), retentionMs });
      yield { part: `${shard}/${bucket}`, shard, place: parseLogPosition(newest), users: byUser(sessions) };
    }
  }

  /** Ends the subscription; a new listener begins another. */
  close(): void {
    this.#subscriber?.disconnect();
    this.#subscriber = undefined;
    this.#dropChains();
  }

  #subscribe(): Connection {
    const { makeSubscriber, channels } = this.#options;
    const subscriber = makeSubscriber();
    subscriber.on('error', () => {});
    // It may come back to a Redis that was restored, whose places need not mean what they meant.
    subscriber.on('close', () => this.#dropChains());
    subscriber.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      if (subscriber === this.#subscriber) this.#hear(channel.toString(), message);
    });
    subscriber.subscribe(channels.bell, channels.changes).catch(() => {});
    return subscriber;
  }

  #hear(channel: string, bytes: Buffer): void {
    if (channel === this.#options.channels.bell) {
      this.#ring(Number(bytes.toString()));
      return;
    }
    const message = readMessage(bytes);
    this.#chains[message.shard]?.add(message);
    this.#ring(message.shard);
  }

  #ring(shard: number): void {
    for (const listener of this.#listeners) listener(shard);
  }

  #dropChains(): void {
    for (const chain of this.#chains) chain.clear();
  }
}

function byUser(sessions: { userId: string; session: Session }[]): { userId: string; sessions: Session[] }[] {
  const users = new Map<string, Session[]>();
  for (const { userId, session } of sessions) {
    const known = users.get(userId);
    if (known) known.push(session);
    else users.set(userId, [session]);
  }
  return [...users].map(([userId, each]) => ({ userId, sessions: each }));
}

function rejectRead(error: unknown): never {
  throw storeError(error, false);
}
