/**
 * Limits how many reads of all watches run at once in each shard. What is being read is not in the backlog
 * yet: a thousand watches that start together must not hold a part of a snapshot each.
 */
export class ReadTurns {
  readonly #atOnce: number;
  readonly #running = new Map<number, number>();
  readonly #waiting = new Map<number, (() => void)[]>();

  /** `atOnce` is the limit for each shard. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Runs a read when it is its turn. */
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

  /**
   * Passes the turn to the read that waits longest, after a turn of the event loop in which the backlog is
   * checked.
   */
  #next(shard: number): void {
    const next = this.#waiting.get(shard)?.shift();
    if (next) setImmediate(next);
    else this.#running.set(shard, (this.#running.get(shard) ?? 1) - 1);
  }
}
