/** Neighboring buckets are 2 % apart, so a reading is within 1 % of the recorded value. */
const RATIO = 1.02;
/** Shorter times count as this. */
const LEAST_MS = 0.001;
/** Longer times count as this: one hour. */
const MAX_MS = 3_600_000;
const STEP = Math.log(RATIO);
const BUCKETS = Math.ceil(Math.log(MAX_MS / LEAST_MS) / STEP) + 1;

/** A histogram of times in 9 kB, with exponential buckets. Percentiles are exact to 1 %. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** The exact maximum in milliseconds; undefined if empty. */
  get max(): number | undefined {
    return this.#count === 0 ? undefined : this.#max;
  }

  record(ms: number): void {
    const inside = Math.min(Math.max(ms, LEAST_MS), MAX_MS);
    const bucket = Math.floor(Math.log(inside / LEAST_MS) / STEP);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count += 1;
    this.#max = Math.max(this.#max, ms);
  }

  /** The quantile `share`, such as 0.99, in milliseconds; undefined if empty. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    const bucket = this.#counts.findIndex((count) => {
      seen += count;
      return seen >= rank;
    });
    return Math.min(LEAST_MS * RATIO ** (bucket + 0.5), this.#max);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#max = 0;
  }
}
