/** Upper bounds of the buckets of all times, in milliseconds: from a read in memory to a store that has given up. */
const BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** How many times were in each bucket. To note one costs a few comparisons: what Prometheus wants is made when it asks. */
export class Histogram {
  /** How many were in the bucket and in none below; the last is for what is beyond all of them. */
  readonly #counts = new Float64Array(BUCKETS_MS.length + 1);
  #sumMs = 0;

  /** Counts a time, as often as it was measured. */
  note(ms: number, count = 1): void {
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > (BUCKETS_MS[bucket] as number)) bucket += 1;
    (this.#counts[bucket] as number) += count;
    this.#sumMs += ms * count;
  }

  /** Counts everything that another one has counted. */
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

  /** For each bucket its upper bound in seconds, and how many were in it or below. The last bound is infinite. */
  *buckets(): Iterable<[boundSeconds: number, count: number]> {
    let below = 0;
    for (const [i, count] of this.#counts.entries()) {
      below += count;
      yield [(BUCKETS_MS[i] ?? Infinity) / 1_000, below];
    }
  }
}
