import type { Change, EndReason } from 'imstate-client';

const SECOND_MS = 1_000;
/** The window of rates, in whole seconds. */
const WINDOW = 5;

/** Per second. */
export interface Rates {
  logins: number;
  ends: number;
  /** Only reasons that occurred in the window. */
  endsByReason: Partial<Record<EndReason | 'UNKNOWN', number>>;
}

type Counted = 'logins' | EndReason | 'UNKNOWN';

/** Counts changes per second. */
export class Meter {
  /** By second: those of the window, and the current one. */
  readonly #seconds = new Map<number, Map<Counted, number>>();
  readonly #since: number;

  /** Times are of performance.now(), in milliseconds. */
  constructor(now: number) {
    this.#since = Math.floor(now / SECOND_MS);
  }

  add({ session, ended }: Pick<Change, 'session' | 'ended'>, now: number): void {
    if (session !== undefined) this.#count('logins', now);
    if (ended !== undefined) this.#count(ended.reason ?? 'UNKNOWN', now);
  }

  /** The rates of the last whole seconds, or of the current one if there is no other yet. */
  rates(now: number): Rates {
    const current = Math.floor(now / SECOND_MS);
    const from = Math.max(current - WINDOW, this.#since);
    const [until, length] = from < current ? [current, current - from] : [current + 1, 1];
    for (const second of this.#seconds.keys()) if (second < from) this.#seconds.delete(second);
    const rates: Rates = { logins: 0, ends: 0, endsByReason: {} };
    for (const [second, counts] of this.#seconds) {
      if (second >= until) continue;
      for (const [counted, count] of counts) addTo(rates, counted, count / length);
    }
    return rates;
  }

  #count(counted: Counted, now: number): void {
    const second = Math.floor(now / SECOND_MS);
    const counts = this.#seconds.get(second) ?? new Map<Counted, number>();
    counts.set(counted, (counts.get(counted) ?? 0) + 1);
    this.#seconds.set(second, counts);
  }
}

function addTo(rates: Rates, counted: Counted, count: number): void {
  if (counted === 'logins') {
    rates.logins += count;
    return;
  }
  rates.ends += count;
  rates.endsByReason[counted] = (rates.endsByReason[counted] ?? 0) + count;
}
