import type { Lease } from 'imstate-client/internal/shared/session';
import type { ServerPage, ServersPage } from '../../presence/listings.js';
import { readLease } from '../../presence/rules.js';
import type { ChatServer } from '../../presence/servers.js';
import { inByteOrder } from '../byteOrder.js';
import { formatPageToken, parsePageToken } from '../pageToken.js';
import { parseLease } from './replies.js';
import type { ScriptArgument, ShardScripts } from './ShardScripts.js';
import type { Shard } from './shards.js';

/** How many entries one script call of a repair checks. */
const REPAIR_ENTRIES = 256;
/** What a repair goes through, see scripts/names.lua. */
const REPAIRS = ['counters', 'leases', 'names'];

/** Lists chat servers page by page. See PresenceStore.listServers and scripts/servers.lua. */
export class ServerList {
  readonly #scripts: ShardScripts;
  /**
   * Shards whose names this process has repaired: an older version may have changed counters without them.
   */
  readonly #repaired = new Set<string>();

  constructor(scripts: ShardScripts) {
    this.#scripts = scripts;
  }

  /** Each shard returns its first servers, one more than fits: the first of all are among these. */
  async read({ limit, after }: ServerPage): Promise<ServersPage> {
    const args = [limit + 1, ...(after === undefined ? [] : parsePageToken(after, ['']))];
    const { answers, isPartial } = await this.#scripts.health.askAll((shard) => this.#readShard(shard, args));
    const servers = mergeServers([...answers.values()]);
    const page = servers.slice(0, limit);
    const last = servers.length > limit ? page.at(-1) : undefined;
    const next = last && formatPageToken([last.serverAddr]);
    return { servers: page, next, isPartial };
  }

  async #readShard({ keys }: Shard, args: ScriptArgument[]): Promise<ChatServer[]> {
    const first = await this.#readPage(keys, args);
    if (first.isComplete && this.#repaired.has(keys[1])) return first.servers;
    await this.#repair(keys);
    this.#repaired.add(keys[1]);
    return (await this.#readPage(keys, args)).servers;
  }

  async #readPage(
    keys: Shard['keys'],
    args: ScriptArgument[],
  ): Promise<{ isComplete: boolean; servers: ChatServer[] }> {
    const reply = await this.#scripts.redis.imServersBuffer(...keys, this.#scripts.now(), ...args);
    const [isComplete, ...flat] = reply as [number, ...(Buffer | null)[]];
    const servers = Array.from({ length: flat.length / 3 }, (_, i) =>
      readServer(flat.slice(3 * i, 3 * i + 3) as [Buffer, Buffer | null, Buffer | null]),
    );
    return { isComplete: isComplete === 1, servers };
  }

  /** In bounded script calls, so that other calls take turns with it. */
  async #repair(keys: Shard['keys']): Promise<void> {
    const { redis } = this.#scripts;
    for (const what of REPAIRS) {
      let from: string | Buffer = '';
      do {
        const args = [this.#scripts.now(), what, from, REPAIR_ENTRIES];
        from = (await redis.imNamesBuffer(...keys, ...args)) as Buffer;
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

/** The chat servers of several shards as one list, in the order of the bytes of their addresses. */
export function mergeServers(shards: readonly (readonly ChatServer[])[]): ChatServer[] {
  const servers = new Map<string, ChatServer>();
  for (const { serverAddr, sessions, lease } of shards.flat()) {
    const known = servers.get(serverAddr);
    servers.set(serverAddr, {
      serverAddr,
      sessions: (known?.sessions ?? 0) + sessions,
      lease: worseLease(known?.lease, lease),
    });
  }
  return [...servers.values()].sort((a, b) => inByteOrder(a.serverAddr, b.serverAddr));
}

/** Each shard judges its lease by itself: the worst state is what readers see, and the earliest end. */
function worseLease(known: Lease | undefined, other: Lease | undefined): Lease | undefined {
  if (known === undefined || other === undefined) return known ?? other;
  const order = ['ALIVE', 'RESYNC', 'DRAINING', 'LOST'];
  const worse = order.indexOf(other.state) > order.indexOf(known.state) ? other : known;
  return { ...worse, expireTimeMs: Math.min(known.expireTimeMs, other.expireTimeMs) };
}
