const SECOND_MS = 1_000;

/** Lets so many changes pass in a second, for readers to whom more are of no use: a page shows some hundred. */
export class Sample {
  readonly #most: number;
  readonly #now: () => number;
  #endsAt = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #skipped = 0;

  constructor(max: number, now: () => number = () => performance.now()) {
    this.#most = max;
    this.#now = now;
  }

  /** Whether the next one passes. */
  passes(): boolean {
    const now = this.#now();
    if (now >= this.#endsAt) [this.#endsAt, this.#passed] = [now + SECOND_MS, 0];
    const passes = this.#passed < this.#most;
    if (passes) this.#passed += 1;
    else this.#skipped += 1;
    return passes;
  }

  /** How many were left out since this was asked last. */
  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }
}
