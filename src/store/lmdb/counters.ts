import { setImmediate as nextTurn } from 'node:timers/promises';
import { Breakdown, type BreakdownSummary, COUNTERS_PER_READ } from '../../presence/stats.js';
import type { Tables } from './tables.js';

/** What is online, and the breakdown of it (undefined if there are too many counters to read at once). */
export function countOnline(tables: Tables): {
  users: number;
  devices: number;
  part: BreakdownSummary | undefined;
} {
  const breakdown = new Breakdown();
  const next = addCounters(breakdown, tables, undefined);
  return {
    users: tables.counters.get('users') ?? 0,
    devices: tables.counters.get('devices') ?? 0,
    part: next === undefined ? breakdown.summary() : undefined,
  };
}

/** Reads all counters, in parts between which other work takes its turn. */
export async function readAllCounters(open: () => Tables): Promise<BreakdownSummary> {
  const breakdown = new Breakdown();
  for (let next = addCounters(breakdown, open(), undefined); next !== undefined; ) {
    await nextTurn();
    next = addCounters(breakdown, open(), next);
  }
  return breakdown.summary();
}

/** Adds a part of the counters; returns the last one, if there may be more. */
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
