import { Histogram } from './histogram.js';

/** The number of gRPC codes: 0 (OK) to 16 (UNAUTHENTICATED). */
const CODES = 17;

/** The outcomes of calls or operations of one kind, by code, with their durations. */
export class Outcomes {
  readonly #byCode: (Histogram | undefined)[] = new Array(CODES).fill(undefined);

  /** `count` of them ended with the code, after the same time. */
  end(code: number, ms: number, count = 1): void {
    this.#timesOf(code).note(ms, count);
  }

  /** Adds outcomes that were counted elsewhere. */
  add(code: number, times: Histogram): void {
    this.#timesOf(code).add(times);
  }

  /** The codes so far, with their durations. */
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
