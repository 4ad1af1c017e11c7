import { formatPlace, otherPlace, parsePlace } from '../place.js';
import { readLease } from '../rules.js';
import type { ChatServer, Lease, SessionPage, Stats, UserSession } from '../store.js';
import { Leases, readListed } from './answers.js';
import { type Connection, storeError } from './connection.js';
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

  constructor(options: RedisListingsOptions) {
    this.#options = options;
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

  async listServers(): Promise<ChatServer[]> {
    const servers = new Map<string, ChatServer>();
    for (const { counters, leases } of await this.#summaries()) {
      for (const [name, count] of counters) {
        if (name.startsWith('s:')) noteServer(servers, name.slice(2)).sessions += count;
      }
      for (const [serverAddr, lease] of leases.entries()) {
        const server = noteServer(servers, serverAddr);
        server.lease = worseLease(server.lease, readLease(lease));
      }
    }
    return [...servers.values()].sort((a, b) => (a.serverAddr < b.serverAddr ? -1 : 1));
  }

  async getStats(): Promise<Stats> {
    const stats: Stats = { users: 0, devices: 0, byPlatform: new Map(), byServer: new Map() };
    for (const { counters } of await this.#summaries()) {
      for (const [name, count] of counters) {
        if (name === 'users' || name === 'devices') stats[name] += count;
        else addTo(name.startsWith('p:') ? stats.byPlatform : stats.byServer, name.slice(2), count);
      }
    }
    return stats;
  }

  async #summaries(): Promise<{ counters: [string, number][]; leases: Leases }[]> {
    const { redis, settings } = this.#options;
    const replies = await Promise.all(
      this.#options.shards().map(({ keys }) => redis.imSummary(...keys, settings()[0] as string)),
    ).catch(rejectRead);
    return (replies as [number, string[], string[]][]).map(([, counters, leases]) => ({
      counters: counters.flatMap((name, i) =>
        i % 2 === 0 ? [[name, Number(counters[i + 1])] as [string, number]] : [],
      ),
      leases: new Leases(leases),
    }));
  }
}

function rejectRead(error: unknown): never {
  throw storeError(error, false);
}

function noteServer(servers: Map<string, ChatServer>, serverAddr: string): ChatServer {
  const server = servers.get(serverAddr) ?? { serverAddr, sessions: 0, lease: undefined };
  servers.set(serverAddr, server);
  return server;
}

/** Shards judge a lease each for itself: the worst of them is what there is to see, and the first end. */
function worseLease(known: Lease | undefined, other: Lease): Lease {
  if (known === undefined) return other;
  const order = ['ALIVE', 'RESYNC', 'LOST'];
  const worse = order.indexOf(other.state) > order.indexOf(known.state) ? other : known;
  return { ...worse, expireTimeMs: Math.min(known.expireTimeMs, other.expireTimeMs) };
}

function addTo(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
