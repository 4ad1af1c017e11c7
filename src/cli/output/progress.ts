import { performance } from 'node:perf_hooks';
import { count } from './count.js';
import { LiveLine } from './liveLine.js';

const REPAINT_MS = 100;

/** A counter with its rate on stderr, for a terminal on which nothing else is printed meanwhile. */
export class Progress {
  readonly #what: readonly [one: string, many: string];
  readonly #line: LiveLine;
  readonly #startedAt = performance.now();
  #count = 0;
  #paintedAt = 0;

  /** `one` and `many` name what is counted; `isShown` is false if results go to the same terminal. */
  constructor(one: string, isShown: boolean, many = `${one}s`) {
    this.#what = [one, many];
    this.#line = new LiveLine(isShown);
  }

  /** Time since the start, such as "1.2 s". */
  get elapsed(): string {
    return `${((performance.now() - this.#startedAt) / 1_000).toFixed(1)} s`;
  }

  add(more: number): void {
    this.#count += more;
    const now = performance.now();
    if (!this.#line.isShown || now - this.#paintedAt < REPAINT_MS) return;
    this.#paintedAt = now;
    const rate = Math.round(this.#count / Math.max((now - this.#startedAt) / 1_000, 0.001));
    this.#line.paint(`${count(this.#count, ...this.#what)}, ${rate.toLocaleString('en')}/s`);
  }

  /** Clears the line. Can be called twice. */
  end(): void {
    this.#line.end();
  }
}
