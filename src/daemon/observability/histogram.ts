/**
 * Upper bounds of the buckets of all durations, in milliseconds: from a read in memory to a store that has
 * given up.
 */
const BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/**
 * How many durations are in each bucket. Noting one costs a few comparisons; cumulative counts are made when
 * Prometheus scrapes.
 */
export class Histogram {
  /** How many are in each bucket and in no lower one. The last is for durations above all bounds. */
  readonly #counts = new Float64Array(BUCKETS_MS.length + 1);
  #sumMs = 0;

  /** Counts a duration, `count` times. */
  note(ms: number, count = 1): void {
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > (BUCKETS_MS[bucket] as number)) bucket += 1;
    (this.#counts[bucket] as number) += count;
    this.#sumMs += ms * count;
  }

  /** Adds the counts of another histogram. */
  add(other: Histogram): void {
    for (const [bucket, count] of other.#counts.entries()) (this.#counts[bucket] as number) += count;
    this.#sumMs += other.#sumMs;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * The upper bound of each bucket in seconds, and how many durations are in it or below. The last bound is
   * infinite.
   */
  *buckets(): Iterable<[boundSeconds: number, count: number]> {
    let below = 0;
    for (const [i, count] of this.#counts.entries()) {
      below += count;
      yield [(BUCKETS_MS[i] ?? Infinity) / 1_000, below];
    }
  }
}
