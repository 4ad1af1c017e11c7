import type { Lease } from 'imstate-client/internal/shared/session';
import type { ServerPage, ServersPage } from '../../presence/listings.js';
import { readLease } from '../../presence/rules.js';
import type { ChatServer } from '../../presence/servers.js';
import { inByteOrder } from '../byteOrder.js';
import { formatPageToken, parsePageToken } from '../pageToken.js';
import { parseLease } from './answers.js';
import type { Connection } from './connection.js';
import type { ShardHealth } from './ShardHealth.js';
import type { Shard } from './shards.js';

/** How many entries one script call of a repair looks at. */
const REPAIR_ENTRIES = 256;

/** The chat servers of all shards, page by page. See PresenceStore.listServers. */
export class RedisServers {
  readonly #redis: Connection;
  /** The time for scripts: a test's, or '' for that of Redis. */
  readonly #now: () => string | number;
  /** Shards whose names this process has repaired: an older imstate may have changed counters without them. */
  readonly #repaired = new Set<string>();

  constructor(redis: Connection, now: () => string | number) {
    this.#redis = redis;
    this.#now = now;
  }

  /** Each shard gives its first servers, with one to spare: among these are the first of all. */
  async list(health: ShardHealth, { limit, after }: ServerPage): Promise<ServersPage> {
    const args = [limit + 1, ...(after === undefined ? [] : parsePageToken(after, ['']))];
    const { answers, isPartial } = await health.askAll((shard) => this.#read(shard, args));
    const servers = new Map<string, ChatServer>();
    for (const part of answers.values()) for (const server of part) addServer(servers, server);
    const sorted = [...servers.values()].sort((a, b) => inByteOrder(a.serverAddr, b.serverAddr));
    const page = sorted.slice(0, limit);
    const last = sorted.length > limit ? page.at(-1) : undefined;
    const next = last && formatPageToken([last.serverAddr]);
    return { servers: page, next, isPartial };
  }

  async #read({ keys }: Shard, args: (string | number)[]): Promise<ChatServer[]> {
    const first = await this.#page(keys, args);
    if (first.isComplete && this.#repaired.has(keys[1])) return first.servers;
    await this.#repair(keys);
    this.#repaired.add(keys[1]);
    return (await this.#page(keys, args)).servers;
  }

  async #page(
    keys: Shard['keys'],
    args: (string | number)[],
  ): Promise<{ isComplete: boolean; servers: ChatServer[] }> {
    const reply = await this.#redis.imServersBuffer(...keys, this.#now(), ...args);
    const [isComplete, ...flat] = reply as [number, ...(Buffer | null)[]];
    const servers = Array.from({ length: flat.length / 3 }, (_, i) =>
      readServer(flat.slice(3 * i, 3 * i + 3) as [Buffer, Buffer | null, Buffer | null]),
    );
    return { isComplete: isComplete === 1, servers };
  }

  /** In bounded script calls, so that other calls take turns with it. See scripts/names.lua. */
  async #repair(keys: Shard['keys']): Promise<void> {
    for (const what of ['counters', 'leases', 'names']) {
      let from: string | Buffer = '';
      do {
        from = (await this.#redis.imNamesBuffer(...keys, this.#now(), what, from, REPAIR_ENTRIES)) as Buffer;
      } while (from.length > 0);
    }
  }
}

function readServer([serverAddr, sessions, lease]: [Buffer, Buffer | null, Buffer | null]): ChatServer {
  return {
    serverAddr: String(serverAddr),
    sessions: Number(sessions ?? 0),
    lease: lease === null ? undefined : readLease(parseLease(String(lease))),
  };
}

function addServer(servers: Map<string, ChatServer>, { serverAddr, sessions, lease }: ChatServer): void {
  const known = servers.get(serverAddr);
  servers.set(serverAddr, {
    serverAddr,
    sessions: (known?.sessions ?? 0) + sessions,
    lease: worseLease(known?.lease, lease),
  });
}

/** Shards judge a lease each for itself: the worst of them is what there is to see, and the first end. */
function worseLease(known: Lease | undefined, other: Lease | undefined): Lease | undefined {
  if (known === undefined || other === undefined) return known ?? other;
  const order = ['ALIVE', 'RESYNC', 'LOST'];
  const worse = order.indexOf(other.state) > order.indexOf(known.state) ? other : known;
  return { ...worse, expireTimeMs: Math.min(known.expireTimeMs, other.expireTimeMs) };
}
