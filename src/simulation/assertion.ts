import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Call, CallFigures } from './results.js';

/** A condition on the results of a simulation: `metric op value`, such as "p99<20ms". */
export interface Assertion {
  /** The text as given. */
  text: string;
  call: Call | 'all';
  metric: 'p50' | 'p95' | 'p99' | 'max' | 'errors' | 'missed' | 'rate';
  op: keyof typeof OPS;
  /**
   * A time in milliseconds; a count, or a share of the calls if `isShare`; a rate in responses per second.
   */
  limit: number;
  isShare: boolean;
}

/** The verdict on an assertion. */
export interface Verdict {
  assertion: string;
  holds: boolean;
  /** The measured value, in the unit of the assertion; undefined if there was no such call. */
  value: number | undefined;
}

const OPS = {
  '<=': (value: number, limit: number) => value <= limit,
  '>=': (value: number, limit: number) => value >= limit,
  '==': (value: number, limit: number) => value === limit,
  '<': (value: number, limit: number) => value < limit,
  '>': (value: number, limit: number) => value > limit,
};
const MS: Record<string, number> = { us: 0.001, ms: 1, s: 1_000 };
const FORM =
  /^(?:(all|online|offline|query)\.)?(p50|p95|p99|max|errors|missed|rate)\s*(<=|>=|==|<|>)\s*(\d+(?:\.\d+)?)(us|ms|s|%|\/s)?$/;
/** The units that a metric takes; "" for none. */
const UNITS = {
  p50: ['us', 'ms', 's'],
  p95: ['us', 'ms', 's'],
  p99: ['us', 'ms', 's'],
  max: ['us', 'ms', 's'],
  errors: ['', '%'],
  missed: ['', '%'],
  rate: ['', '/s'],
};

/** Parses a comma-separated list of assertions; throws WRONG_USAGE. */
export function parseAssertions(text: string): Assertion[] {
  return text.split(',').map((part) => parseOne(part.trim()));
}

function parseOne(text: string): Assertion {
  const [, call = 'all', metric, op, number, unit = ''] = FORM.exec(text) ?? [];
  if (metric === undefined) {
    throw wrong(
      text,
      'must be METRIC OP VALUE, such as p99<20ms or query.errors<0.1%: METRIC is p50, p95, p99, max, errors, missed or rate, ' +
        'optionally prefixed with online., offline. or query.; OP is <, <=, >, >= or ==',
    );
  }
  const name = metric as Assertion['metric'];
  if (!UNITS[name].includes(unit)) throw wrong(text, `${name} takes ${valuesOf(name)}`);
  return {
    text,
    call: call as Assertion['call'],
    metric: name,
    op: op as Assertion['op'],
    limit: Number(number) * (MS[unit] ?? (unit === '%' ? 0.01 : 1)),
    isShare: unit === '%',
  };
}

function valuesOf(metric: Assertion['metric']): string {
  if (metric === 'rate') return 'responses per second, such as 100 or 100/s';
  if (metric === 'errors' || metric === 'missed')
    return 'a number, such as 0, or a share of the calls, such as 0.1%';
  return 'a time with a unit, such as 500us, 20ms or 1s';
}

function wrong(text: string, rule: string): ImstateError {
  return new ImstateError('WRONG_USAGE', `--assert "${text}": ${rule}`, { field: '--assert' });
}

/** Checks an assertion against the results. An assertion on a time fails if there was no call. */
export function judge(assertion: Assertion, figures: Record<Call | 'all', CallFigures>): Verdict {
  const value = measured(assertion, figures[assertion.call]);
  const holds = value !== undefined && OPS[assertion.op](value, assertion.limit);
  return { assertion: assertion.text, holds, value };
}

function measured({ metric, isShare }: Assertion, figures: CallFigures): number | undefined {
  if (metric === 'rate') return figures.rate;
  if (metric === 'errors' || metric === 'missed') {
    return isShare ? figures[metric] / Math.max(1, figures.calls + figures.missed) : figures[metric];
  }
  return figures[`${metric}Ms`];
}
