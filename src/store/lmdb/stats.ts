import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Stats } from '../../presence/listings.js';
import { Breakdown, type BreakdownSummary, COUNTERS_PER_READ, STATS_CACHE_MS } from '../../presence/stats.js';
import { cached } from '../cached.js';
import type { Tables } from './tables.js';

/** Counts what is online. See PresenceStore.getStats. */
export class StatsReader {
  readonly #tables: () => Tables;
  readonly #allCounters = cached(() => readAllCounters(this.#tables), STATS_CACHE_MS);

  constructor(tables: () => Tables) {
    this.#tables = tables;
  }

  async read(): Promise<Stats> {
    const { users, devices, breakdown } = countOnline(this.#tables());
    return { users, devices, ...(breakdown ?? (await this.#allCounters())), isPartial: false };
  }
}

/** What is online; without a breakdown if there are too many counters to read at once. */
function countOnline(tables: Tables): {
  users: number;
  devices: number;
  breakdown: BreakdownSummary | undefined;
} {
  const breakdown = new Breakdown();
  const next = addCounters(breakdown, tables, undefined);
  return {
    users: tables.counters.get('users') ?? 0,
    devices: tables.counters.get('devices') ?? 0,
    breakdown: next === undefined ? breakdown.summary() : undefined,
  };
}

/** Reads all counters, in parts between which other work takes its turn. */
async function readAllCounters(tables: () => Tables): Promise<BreakdownSummary> {
  const breakdown = new Breakdown();
  for (let next = addCounters(breakdown, tables(), undefined); next !== undefined; ) {
    await nextTurn();
    next = addCounters(breakdown, tables(), next);
  }
  return breakdown.summary();
}

/** Adds a part of the counters; returns the last one if there may be more. */
function addCounters(
  breakdown: Breakdown,
  { counters }: Tables,
  after: string | undefined,
): string | undefined {
  const limit = COUNTERS_PER_READ;
  const start = after === undefined ? { limit } : { start: after, exclusiveStart: true, limit };
  const entries = [...counters.getRange(start)];
  for (const { key, value } of entries) breakdown.add(key, value);
  return entries.length === limit ? entries.at(-1)?.key : undefined;
}
