import type { Coverage, Stats } from '../../presence/listings.js';
import { Breakdown, type BreakdownSummary, COUNTERS_PER_READ, STATS_CACHE_MS } from '../../presence/stats.js';
import { cached } from '../cached.js';
import type { ShardScripts } from './ShardScripts.js';
import type { Shard } from './shards.js';

/** Counts what is online. See PresenceStore.getStats and scripts/stats.lua. */
export class StatsReader {
  readonly #scripts: ShardScripts;
  readonly #allCounters = cached(() => this.#readAllCounters(), STATS_CACHE_MS);

  constructor(scripts: ShardScripts) {
    this.#scripts = scripts;
  }

  async read(): Promise<Stats> {
    const { answers, isPartial } = await this.#scripts.health.askAll((shard) => this.#readPart(shard, '0'));
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
  async #readPart({ keys }: Shard, cursor: string): Promise<CountersPart> {
    const { redis } = this.#scripts;
    const reply = await redis.imStats(...keys, this.#scripts.now(), cursor, COUNTERS_PER_READ);
    const [users, devices, next, flat] = reply as [number, number, string, string[]];
    return { users, devices, cursor: next, flat };
  }

  async #readAllCounters(): Promise<BreakdownSummary & Coverage> {
    const { answers, isPartial } = await this.#scripts.health.askAll((shard) => this.#readCounters(shard));
    return { ...summarize([...answers.values()]), isPartial };
  }

  /** Redis may return a counter twice while it resizes the hash: the later one counts. */
  async #readCounters(shard: Shard): Promise<Pick<CountersPart, 'flat'>> {
    const counts = new Map<string, string>();
    let cursor = '0';
    do {
      const part = await this.#readPart(shard, cursor);
      for (let i = 0; i < part.flat.length; i += 2)
        counts.set(part.flat[i] as string, part.flat[i + 1] as string);
      cursor = part.cursor;
    } while (cursor !== '0');
    return { flat: [...counts].flat() };
  }
}

/** The reply of scripts/stats.lua. */
interface CountersPart {
  users: number;
  devices: number;
  cursor: string;
  /** Name and value of each counter. */
  flat: string[];
}

function summarize(parts: readonly Pick<CountersPart, 'flat'>[]): BreakdownSummary {
  const breakdown = new Breakdown();
  for (const { flat } of parts) {
    for (let i = 0; i < flat.length; i += 2) breakdown.add(flat[i] as string, Number(flat[i + 1]));
  }
  return breakdown.summary();
}
