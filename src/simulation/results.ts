import type { ErrorCode, ImstateError } from 'imstate-client/internal/shared/errors';
import { Histogram } from './histogram.js';

/** The kinds of calls. */
export const CALLS = ['online', 'offline', 'query'] as const;
export type Call = (typeof CALLS)[number];

/** Results of calls; times in milliseconds, undefined if there was no call. */
export interface CallFigures {
  /** Calls that ended, with a response or an error. */
  calls: number;
  errors: number;
  /** Calls that were due but never made, because too many were in flight. */
  missed: number;
  /** Responses per second. */
  rate: number;
  p50Ms: number | undefined;
  p95Ms: number | undefined;
  p99Ms: number | undefined;
  maxMs: number | undefined;
}

/** Errors of one code. */
export interface ErrorFigures {
  code: ErrorCode;
  count: number;
  /** The message of the first. */
  example: string;
}

class Counter {
  readonly times = new Histogram();
  answers = 0;
  errors = 0;
  missed = 0;

  figures(elapsedMs: number): CallFigures {
    const { times, answers, errors, missed } = this;
    return {
      calls: answers + errors,
      errors,
      missed,
      rate: (answers / Math.max(elapsedMs, 1)) * 1_000,
      p50Ms: times.quantile(0.5),
      p95Ms: times.quantile(0.95),
      p99Ms: times.quantile(0.99),
      maxMs: times.max,
    };
  }
}

/**
 * Counts results and latencies of calls, including failed calls and those that were never made, which count
 * with their wait time: leaving them out would hide what is slow.
 */
export class SimulationResults {
  readonly #counters = {
    all: new Counter(),
    online: new Counter(),
    offline: new Counter(),
    query: new Counter(),
  };
  readonly #errors = new Map<ErrorCode, ErrorFigures>();
  /** Since the last interval. */
  readonly #recent = new Histogram();

  answered(call: Call, ms: number): void {
    this.#count(call, ms, 'answers');
  }

  failed(call: Call, ms: number, { code, message }: ImstateError): void {
    this.#count(call, ms, 'errors');
    const same = this.#errors.get(code);
    if (same === undefined) this.#errors.set(code, { code, count: 1, example: message });
    else same.count += 1;
  }

  missed(call: Call, ms: number): void {
    this.#count(call, ms, 'missed');
  }

  /** The totals after `ms`. */
  figures(elapsedMs: number): Record<Call | 'all', CallFigures> {
    const { all, online, offline, query } = this.#counters;
    return {
      all: all.figures(elapsedMs),
      online: online.figures(elapsedMs),
      offline: offline.figures(elapsedMs),
      query: query.figures(elapsedMs),
    };
  }

  /** Most frequent first. */
  get errors(): ErrorFigures[] {
    return [...this.#errors.values()].sort((a, b) => b.count - a.count);
  }

  /** Failed calls so far. */
  get failures(): number {
    return this.#counters.all.errors;
  }

  /** The calls since the previous interval. */
  takeRecent(): { calls: number; p50Ms: number | undefined; p99Ms: number | undefined } {
    const recent = this.#recent;
    const taken = { calls: recent.count, p50Ms: recent.quantile(0.5), p99Ms: recent.quantile(0.99) };
    recent.clear();
    return taken;
  }

  #count(call: Call, ms: number, outcome: 'answers' | 'errors' | 'missed'): void {
    for (const counter of [this.#counters.all, this.#counters[call]]) {
      counter[outcome] += 1;
      counter.times.record(ms);
    }
    this.#recent.record(ms);
  }
}
