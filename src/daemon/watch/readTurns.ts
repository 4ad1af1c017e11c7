/**
 * Lets few reads of all watches go on at the same time, each shard by itself: what is being read counts for no budget yet, and a
 * thousand watches that begin together must not hold a part each.
 */
export class ReadTurns {
  readonly #atOnce: number;
  readonly #running = new Map<number, number>();
  readonly #waiting = new Map<number, (() => void)[]>();

  /** Lets so many reads of a shard go on at once. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Carries it out in its turn. */
  async run<T>(shard: number, read: () => Promise<T>): Promise<T> {
    if ((this.#running.get(shard) ?? 0) >= this.#atOnce) await this.#turn(shard);
    else this.#running.set(shard, (this.#running.get(shard) ?? 0) + 1);
    try {
      return await read();
    } finally {
      this.#next(shard);
    }
  }

  #turn(shard: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(shard) ?? [];
      waiting.push(resolve);
      this.#waiting.set(shard, waiting);
    });
  }

  /** Gives the place to whoever waits longest; after a turn of the event loop, in which the budget is checked. */
  #next(shard: number): void {
    const next = this.#waiting.get(shard)?.shift();
    if (next) setImmediate(next);
    else this.#running.set(shard, (this.#running.get(shard) ?? 1) - 1);
  }
}
