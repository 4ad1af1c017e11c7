const SECOND_MS = 1_000;

/** Lets a limited number of changes pass per second: a page shows a few hundred at most. */
export class ChangeRateLimit {
  readonly #max: number;
  readonly #now: () => number;
  #endsAt = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #skipped = 0;

  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#now = now;
  }

  /** True if the next change passes. */
  passes(): boolean {
    const now = this.#now();
    if (now >= this.#endsAt) [this.#endsAt, this.#passed] = [now + SECOND_MS, 0];
    const passes = this.#passed < this.#max;
    if (passes) this.#passed += 1;
    else this.#skipped += 1;
    return passes;
  }

  /** How many changes were left out since the last call. */
  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }
}
