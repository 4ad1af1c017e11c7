import type { Logger } from 'pino';

/** The clean-up functions of what was opened, to run in reverse order. */
export class Disposables {
  readonly #log: Logger;
  readonly #steps: (() => unknown)[] = [];
  #done: Promise<void> | undefined;
  #begunAt = performance.now();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Runs before everything that was pushed earlier. */
  push(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Runs after everything else. */
  pushLast(step: () => unknown): void {
    this.#steps.unshift(step);
  }

  /** The time since the first call of {@link run}. Milliseconds. */
  get elapsedMs(): number {
    return performance.now() - this.#begunAt;
  }

  /**
   * Runs all clean-up functions. One that fails is logged and does not stop the others. May be called twice.
   */
  run(): Promise<void> {
    this.#done ??= this.#runAll();
    return this.#done;
  }

  async #runAll(): Promise<void> {
    this.#begunAt = performance.now();
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error({ err: error }, 'a step of the stop failed: continuing');
      }
    }
  }
}
