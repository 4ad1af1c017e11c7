import type { Logger } from 'pino';

/** What was done, to be undone in reverse. */
export class Disposables {
  readonly #log: Logger;
  readonly #steps: (() => unknown)[] = [];
  #undone: Promise<void> | undefined;
  #begunAt = performance.now();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Undoes what was done just now, before all that was done earlier. */
  push(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Undoes what was done just now after everything else. */
  pushLast(step: () => unknown): void {
    this.#steps.unshift(step);
  }

  /** How long ago {@link run} was called first. Milliseconds. */
  get elapsedMs(): number {
    return performance.now() - this.#begunAt;
  }

  /** Undoes everything; a step that fails is logged and does not keep the others from being taken. May be called twice. */
  run(): Promise<void> {
    this.#undone ??= this.#undo();
    return this.#undone;
  }

  async #undo(): Promise<void> {
    this.#begunAt = performance.now();
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error({ err: error }, 'a step of stopping failed; going on');
      }
    }
  }
}
