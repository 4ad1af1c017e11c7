import { createHash } from 'node:crypto';
import type { Change, Ledger, LedgerEntry, Place, SnapshotPart } from '../ledger.js';
import { END_REASONS } from '../record.js';
import type { EndReason, Session } from '../store.js';
import { Leases, readRecorded, Texts } from './answers.js';
import { type Connection, storeError } from './connection.js';
import { type Shard, shardOf } from './shards.js';

/** How many buckets scripts/shard.lua makes of a chat server's sessions in a shard. */
const BUCKETS = 64;

/** What a {@link RedisLedger} works with. */
export interface RedisLedgerOptions {
  redis: Connection;
  /** Makes a connection that waits for messages. */
  makeSubscriber(): Connection;
  shards: Shard[];
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The channel on which scripts say which shard has news. */
  channel: string;
  /** The arguments that scripts of a shard begin with. */
  settings(): (string | number)[];
  /** Reads a user, with the newest entry of its ledger. */
  readUser(userId: string): Promise<{ sessions: Session[]; place: Place }>;
}

/** The streams im:{S}:e, and the channel on which they ring. See Ledger. */
export class RedisLedger implements Ledger {
  readonly #options: RedisLedgerOptions;
  readonly #listeners = new Set<(shard: number) => void>();
  #subscriber: Connection | undefined;

  constructor(options: RedisLedgerOptions) {
    this.#options = options;
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

  async ends(): Promise<{ oldest: Place; newest: Place }[]> {
    const { redis, shards } = this.#options;
    const replies = await Promise.all(
      shards.map(({ keys }) => redis.imLedgerBuffer(...keys, '', 'ends')),
    ).catch(rejectRead);
    return (replies as [Buffer, Buffer][]).map(([oldest, newest]) => ({
      oldest: parsePlace(oldest),
      newest: parsePlace(newest),
    }));
  }

  async read(
    shard: number,
    after: Place,
    limit: number,
  ): Promise<{ entries: LedgerEntry[]; upTo: Place } | undefined> {
    const { redis, shards } = this.#options;
    const { keys } = shards[shard] as Shard;
    const reply = await redis.imLedgerBuffer(...keys, '', after.join('-'), limit).catch(rejectRead);
    if (reply === null) return undefined;
    const found = reply as [Buffer, Buffer[]][];
    const entries = found.flatMap(([id, [, member, , packed]]) => {
      const change = readChange(member as Buffer, packed as Buffer);
      return change ? [{ place: parsePlace(id), change }] : [];
    });
    const last = found.at(-1);
    return { entries, upTo: last ? parsePlace(last[0]) : after };
  }

  onNews(listener: (shard: number) => void): () => void {
    this.#listeners.add(listener);
    this.#subscriber ??= this.#subscribe();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  readUser(userId: string): Promise<{ sessions: Session[]; place: Place }> {
    return this.#options.readUser(userId);
  }

  async *snapshot(serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart> {
    const { redis, shards, settings, retentionMs } = this.#options;
    for (const [shard, { keys }] of shards.entries()) {
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const args = [...settings(), bucket, ...(serverAddrs ?? [])];
        const reply = await redis.imSnapshotBuffer(...keys, ...args).catch(rejectRead);
        const [now, leases, newest, ...flat] = reply as [number, Buffer[], Buffer, ...(Buffer | null)[]];
        const sessions = readRecorded(flat, { now, leases: new Leases(leases), retentionMs });
        yield { part: `${shard}/${bucket}`, shard, place: parsePlace(newest), users: byUser(sessions) };
      }
    }
  }

  /** Ends the subscription; a new listener begins another. */
  close(): void {
    this.#subscriber?.disconnect();
    this.#subscriber = undefined;
  }

  #subscribe(): Connection {
    const { makeSubscriber, channel } = this.#options;
    const subscriber = makeSubscriber();
    subscriber.on('error', () => {});
    subscriber.on('message', (_, shard: string) => {
      for (const listener of this.#listeners) listener(Number(shard));
    });
    subscriber.subscribe(channel).catch(() => {});
    return subscriber;
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

/** An id of a stream. */
export function parsePlace(id: Buffer): Place {
  const [ms, sequence] = id.toString().split('-');
  return [Number(ms), Number(sequence)];
}

/** A change as note_change in scripts/shard.lua packs it; undefined for the entry of an empty ledger. */
function readChange(member: Buffer, packed: Buffer): Change | undefined {
  if (packed.length === 0) return undefined;
  const nul = member.indexOf(0);
  const flags = packed.readUInt8(0);
  const texts = new Texts(packed, 11);
  const number = (bytes: number) => {
    texts.at += bytes;
    return packed.readUIntBE(texts.at - bytes, bytes);
  };
  const session = () => ({ sessionId: texts.next(1), serverAddr: texts.next(0), platform: texts.next(0) });
  const began = flags & 2 ? { loginTimeMs: number(6), ...session() } : undefined;
  const ended = flags & 4 ? { reason: END_REASONS[number(1)] as EndReason, ...session() } : undefined;
  return {
    ...{ userId: member.toString('utf8', 0, nul), deviceId: member.toString('utf8', nul + 1) },
    ...{ wasOnline: (flags & 1) !== 0, began, ended },
    ...{ devicesOnline: packed.readUInt32BE(1), timeMs: packed.readUIntBE(5, 6) },
  };
}

function rejectRead(error: unknown): never {
  throw storeError(error, false);
}
