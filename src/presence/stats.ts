import type { Stats } from './listings.js';

/** How many platforms a shard counts by name, and how many {@link Stats} names. */
export const MAX_PLATFORMS = 64;
/** Under which name the devices of further platforms are counted. */
export const OTHER_PLATFORM = 'other';
/** How many chat servers {@link Stats} names: the largest. */
export const MAX_STATS_SERVERS = 1_000;
/**
 * Up to this many counters of a shard are read for every call; of more the breakdown is up to STATS_CACHE_MS
 * old.
 */
export const COUNTERS_PER_READ = 512;
/** For how long the breakdown of many counters serves. Milliseconds. */
export const STATS_CACHE_MS = 1_000;

/** The largest first; of equal ones by name. */
const largestFirst = ([a, m]: [string, number], [b, n]: [string, number]) => n - m || (a < b ? -1 : 1);

/** The part of {@link Stats} that has names. */
export type BreakdownSummary = Pick<Stats, 'byPlatform' | 'byServer' | 'devicesOnOtherServers'>;

/** Adds up counters of the store: `p:<platform>` and `s:<server>`. */
export class Breakdown {
  readonly #platforms = new Map<string, number>();
  readonly #servers = new Map<string, number>();

  add(counter: string, count: number): void {
    if (counter.startsWith('p:')) this.#addPlatform(counter.slice(2), count);
    else if (counter.startsWith('s:')) addTo(this.#servers, counter.slice(2), count);
  }

  /** The counts of the largest, and of all others together. */
  summary(): BreakdownSummary {
    const servers = largest(this.#servers, MAX_STATS_SERVERS);
    return { byPlatform: this.#byPlatform(), byServer: servers.named, devicesOnOtherServers: servers.rest };
  }

  /** See scripts/counters.lua: a count below 0 belongs to the others. */
  #addPlatform(platform: string, count: number): void {
    addTo(this.#platforms, count < 0 ? OTHER_PLATFORM : platform, count);
  }

  #byPlatform(): Map<string, number> {
    const counts = new Map(this.#platforms);
    const none = counts.get('') ?? 0;
    const others = counts.get(OTHER_PLATFORM) ?? 0;
    counts.delete('');
    counts.delete(OTHER_PLATFORM);
    const { named, rest } = largest(counts, MAX_PLATFORMS);
    if (none !== 0) named.set('', none);
    if (others + rest !== 0) named.set(OTHER_PLATFORM, others + rest);
    return named;
  }
}

function largest(counts: Map<string, number>, limit: number): { named: Map<string, number>; rest: number } {
  const sorted = [...counts].sort(largestFirst);
  const rest = sorted.slice(limit).reduce((sum, [, count]) => sum + count, 0);
  return { named: new Map(sorted.slice(0, limit)), rest };
}

function addTo(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
