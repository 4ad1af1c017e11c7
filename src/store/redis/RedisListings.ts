import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type {
  Coverage,
  ServerPage,
  ServersPage,
  SessionPage,
  SessionsPage,
  Stats,
} from '../../presence/listings.js';
import type { UserSession } from '../../presence/sessions.js';
import { Breakdown, type BreakdownSummary, COUNTERS_PER_READ, STATS_CACHE_MS } from '../../presence/stats.js';
import { cached } from '../cached.js';
import { foreignPageToken, formatPageToken, parsePageToken } from '../pageToken.js';
import { Leases, readListed } from './answers.js';
import { type Connection, storeError } from './connection.js';
import { RedisServers } from './RedisServers.js';
import type { ShardHealth } from './ShardHealth.js';
import type { Shard } from './shards.js';

/** A place in the list of all sessions, see scripts/list.lua: here the beginning. */
const FIRST_PLACE: [shard: number, serverAddr: string, bucket: number, member: string] = [0, '', 0, ''];

type PlaceInShard = [serverAddr: string, bucket: number, member: string];

/** What {@link RedisListings} works with. */
export interface RedisListingsOptions {
  redis: Connection;
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The shards; throws while the store cannot be used. */
  shards(): Shard[];
  /** Which shards answer; throws while the store cannot be used. */
  health(): ShardHealth;
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

  /** A shard that does not answer is skipped, also when a page was to go on in it: the next page begins behind it. */
  async listSessions({ serverAddr, limit, after }: SessionPage): Promise<SessionsPage> {
    const shards = this.#options.shards();
    const place = after === undefined ? FIRST_PLACE : parsePageToken(after, FIRST_PLACE);
    if (serverAddr !== undefined && after !== undefined && place[1] !== serverAddr) throw foreignPageToken();
    const sessions: UserSession[] = [];
    const health = this.#options.health();
    let failure: ImstateError | undefined;
    // A page that begins behind the first shard follows one that was answered.
    let answered = place[0];
    let [, ...from] = place;
    for (let shard = place[0]; shard < shards.length; shard++) {
      try {
        health.check(shard);
        const found = await this.#sessionsOf(
          shards[shard] as Shard,
          serverAddr ?? '',
          from,
          limit - sessions.length,
        );
        answered += 1;
        sessions.push(...found.sessions);
        if (found.stopped) {
          health.rejectUnlessPartial(answered, failure);
          return {
            sessions,
            next: formatPageToken([shard, ...found.stopped]),
            isPartial: failure !== undefined,
          };
        }
      } catch (error) {
        failure ??= storeError(error, false);
      }
      [, ...from] = FIRST_PLACE;
    }
    if (health.isAway) answered = 0;
    health.rejectUnlessPartial(answered, failure);
    return { sessions, next: undefined, isPartial: failure !== undefined };
  }

  /** Sessions of one shard behind a place in it; `stopped` is where to go on, unless these are all. */
  async #sessionsOf(
    { keys }: Shard,
    only: string,
    from: PlaceInShard,
    limit: number,
  ): Promise<{ sessions: UserSession[]; stopped: PlaceInShard | undefined }> {
    const { redis, settings, retentionMs } = this.#options;
    const reply = await redis.imListBuffer(...keys, ...settings(), only, ...from, limit);
    const [now, leases, stopped, ...flat] = reply as [
      number,
      Buffer[],
      [Buffer, number, Buffer] | null,
      ...(Buffer | null)[],
    ];
    const sessions = readListed(flat, { now, leases: new Leases(leases), retentionMs });
    return { sessions, stopped: stopped ? [String(stopped[0]), stopped[1], String(stopped[2])] : undefined };
  }

  listServers(page: ServerPage): Promise<ServersPage> {
    return this.#servers.list(this.#options.health(), page);
  }

  async getStats(): Promise<Stats> {
    const { answers, isPartial } = await this.#options.health().askAll((shard) => this.#counters(shard, '0'));
    const parts = [...answers.values()];
    let [users, devices] = [0, 0];
    for (const part of parts) {
      users += part.users;
      devices += part.devices;
    }
    const isAll = parts.every(({ cursor }) => cursor === '0');
    if (isAll) return { users, devices, ...summarize(parts), isPartial };
    const breakdown = await this.#allCounters();
    return { users, devices, ...breakdown, isPartial: isPartial || breakdown.isPartial };
  }

  /** A part of a shard's counters, from a cursor on. */
  async #counters({ keys }: Shard, cursor: string): Promise<CountersPart> {
    const { redis, settings } = this.#options;
    const reply = await redis.imStats(...keys, settings()[0] as string, cursor, COUNTERS_PER_READ);
    const [users, devices, next, flat] = reply as [number, number, string, string[]];
    return { users, devices, cursor: next, flat };
  }

  async #readAllCounters(): Promise<BreakdownSummary & Coverage> {
    const { answers, isPartial } = await this.#options.health().askAll((shard) => this.#countersOf(shard));
    return { ...summarize([...answers.values()]), isPartial };
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
