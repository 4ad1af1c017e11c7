import { cached } from '../../cached.js';
import { formatPlace, otherPlace, parsePlace } from '../place.js';
import { Breakdown, type BreakdownSummary, COUNTERS_PER_READ, STATS_CACHE_MS } from '../stats.js';
import type { ChatServer, ServerPage, SessionPage, Stats, UserSession } from '../store.js';
import { Leases, readListed } from './answers.js';
import { type Connection, storeError } from './connection.js';
import { RedisServers } from './RedisServers.js';
import type { Shard } from './shards.js';

/** A place in the list of all sessions, see scripts/list.lua: here the beginning. */
const FIRST_PLACE: [shard: number, serverAddr: string, bucket: number, member: string] = [0, '', 0, ''];

/** What {@link RedisListings} works with. */
export interface RedisListingsOptions {
  redis: Connection;
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The shards; throws while the store cannot be used. */
  shards(): Shard[];
  /** The arguments that scripts of a shard begin with; the first is the time. */
  settings(): (string | number)[];
}

/** What goes over all shards: sessions page by page, chat servers, counts. See PresenceStore. */
export class RedisListings {
  readonly #options: RedisListingsOptions;
  readonly #servers: RedisServers;
  readonly #allCounters = cached(() => this.#readAllCounters(), STATS_CACHE_MS);

  constructor(options: RedisListingsOptions) {
    this.#options = options;
    this.#servers = new RedisServers(options.redis, () => options.settings()[0] as string);
  }

  async listSessions({
    serverAddr,
    limit,
    after,
  }: SessionPage): Promise<{ sessions: UserSession[]; next: string | undefined }> {
    const { redis, settings, retentionMs } = this.#options;
    const shards = this.#options.shards();
    const place = after === undefined ? FIRST_PLACE : parsePlace(after, FIRST_PLACE);
    if (serverAddr !== undefined && after !== undefined && place[1] !== serverAddr) throw otherPlace();
    const sessions: UserSession[] = [];
    let [, server, bucket, member] = place;
    for (let shard = place[0]; shard < shards.length; shard++) {
      const { keys } = shards[shard] as Shard;
      const args = [...settings(), ...[serverAddr ?? '', server, bucket, member, limit - sessions.length]];
      const reply = await redis.imListBuffer(...keys, ...args).catch(rejectRead);
      const [now, leases, stopped, ...flat] = reply as [
        number,
        Buffer[],
        [Buffer, number, Buffer] | null,
        ...(Buffer | null)[],
      ];
      const context = { now, leases: new Leases(leases), retentionMs };
      sessions.push(...readListed(flat, context));
      if (stopped !== null) {
        const next = formatPlace([shard, String(stopped[0]), stopped[1], String(stopped[2])]);
        return { sessions, next };
      }
      [server, bucket, member] = ['', 0, ''];
    }
    return { sessions, next: undefined };
  }

  listServers(page: ServerPage): Promise<{ servers: ChatServer[]; next: string | undefined }> {
    return this.#servers.list(this.#options.shards(), page);
  }

  async getStats(): Promise<Stats> {
    const parts = await Promise.all(this.#options.shards().map((shard) => this.#counters(shard, '0'))).catch(
      rejectRead,
    );
    let [users, devices] = [0, 0];
    for (const part of parts) {
      users += part.users;
      devices += part.devices;
    }
    const isAll = parts.every(({ cursor }) => cursor === '0');
    return { users, devices, ...(isAll ? summarize(parts) : await this.#allCounters()) };
  }

  /** A part of a shard's counters, from a cursor on. */
  async #counters({ keys }: Shard, cursor: string): Promise<CountersPart> {
    const { redis, settings } = this.#options;
    const reply = await redis.imStats(...keys, settings()[0] as string, cursor, COUNTERS_PER_READ);
    const [users, devices, next, flat] = reply as [number, number, string, string[]];
    return { users, devices, cursor: next, flat };
  }

  async #readAllCounters(): Promise<BreakdownSummary> {
    const shards = this.#options.shards();
    const parts = await Promise.all(shards.map((shard) => this.#countersOf(shard))).catch(rejectRead);
    return summarize(parts);
  }

  /** Redis may give a counter twice while it resizes the hash: the later one counts. */
  async #countersOf(shard: Shard): Promise<Pick<CountersPart, 'flat'>> {
    const counts = new Map<string, string>();
    let cursor = '0';
    do {
      const part = await this.#counters(shard, cursor);
      for (let i = 0; i < part.flat.length; i += 2)
        counts.set(part.flat[i] as string, part.flat[i + 1] as string);
      cursor = part.cursor;
    } while (cursor !== '0');
    return { flat: [...counts].flat() };
  }
}

/** What stats.lua answers. */
interface CountersPart {
  users: number;
  devices: number;
  cursor: string;
  /** Counter and value of each. */
  flat: string[];
}

function summarize(parts: readonly Pick<CountersPart, 'flat'>[]): BreakdownSummary {
  const breakdown = new Breakdown();
  for (const { flat } of parts) {
    for (let i = 0; i < flat.length; i += 2) breakdown.add(flat[i] as string, Number(flat[i + 1]));
  }
  return breakdown.summary();
}

function rejectRead(error: unknown): never {
  throw storeError(error, false);
}
