import { Histogram } from './histogram.js';

/** How many codes gRPC has: 0 (OK) to 16 (UNAUTHENTICATED). */
const CODES = 17;

/** How calls or operations of one kind ended, by their code, and how long they took. */
export class Outcomes {
  readonly #byCode: (Histogram | undefined)[] = new Array(CODES).fill(undefined);

  /** So many ended with the code, after the same time. */
  end(code: number, ms: number, count = 1): void {
    this.#timesOf(code).note(ms, count);
  }

  /** Adds what others have counted. */
  add(code: number, times: Histogram): void {
    this.#timesOf(code).add(times);
  }

  /** The codes that there were so far, with their times. */
  *codes(): Iterable<[code: number, times: Histogram]> {
    for (const [code, times] of this.#byCode.entries()) if (times) yield [code, times];
  }

  #timesOf(code: number): Histogram {
    const known = this.#byCode[code];
    if (known !== undefined) return known;
    const times = new Histogram();
    this.#byCode[code] = times;
    return times;
  }
}
