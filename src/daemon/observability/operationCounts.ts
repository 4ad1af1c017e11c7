import type { Histogram } from './histogram.js';
import type { OperationName } from './operationNames.js';
import { Outcomes } from './outcomes.js';

/** The calls of a method that are one operation each. */
interface MethodOutcomes {
  readonly isStream: boolean;
  operationCodes(): Iterable<[code: number, times: Histogram]>;
}

/** The outcomes of the operations of one name. */
interface OperationTotals {
  name: OperationName;
  /** By code. A failed stream counts as an operation, but the time for which it was open is no duration. */
  counts: Map<number, number>;
  durations: Outcomes;
}

/**
 * The operations of a daemon, by whichever call they arrived. Operations that are calls of their own were
 * counted as calls, and are added when somebody reads the totals. Those in batches and in messages of streams
 * are counted here.
 */
export class OperationCounts {
  readonly #outcomes = new Map<OperationName, Outcomes>();
  readonly #methods = new Map<OperationName, MethodOutcomes[]>();

  /** Where operations that are no calls are counted. Look it up once, not for each operation. */
  of(name: OperationName): Outcomes {
    const known = this.#outcomes.get(name);
    if (known !== undefined) return known;
    const outcomes = new Outcomes();
    this.#outcomes.set(name, outcomes);
    return outcomes;
  }

  /** Each call of the method is such an operation. */
  addMethod(name: OperationName, method: MethodOutcomes): void {
    this.#methods.set(name, [...(this.#methods.get(name) ?? []), method]);
  }

  *totals(): Iterable<OperationTotals> {
    for (const name of new Set([...this.#outcomes.keys(), ...this.#methods.keys()]))
      yield this.#totalsOf(name);
  }

  #totalsOf(name: OperationName): OperationTotals {
    const counts = new Map<number, number>();
    const durations = new Outcomes();
    const add = (code: number, times: Histogram, hasDuration: boolean) => {
      counts.set(code, (counts.get(code) ?? 0) + times.count);
      if (hasDuration) durations.add(code, times);
    };
    for (const [code, times] of this.#outcomes.get(name)?.codes() ?? []) add(code, times, true);
    for (const method of this.#methods.get(name) ?? [])
      for (const [code, times] of method.operationCodes()) add(code, times, !method.isStream);
    return { name, counts, durations };
  }
}
