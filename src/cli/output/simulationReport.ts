import type { Verdict } from '../../simulation/assertion.js';
import { CALLS, type CallFigures } from '../../simulation/results.js';
import type { Ending, Simulation } from '../../simulation/simulation.js';
import { count } from './count.js';
import { type Cell, colors, renderTable } from './style.js';

const HEAD = [['Call'], ['Calls', 'Rate'], ['p50'], ['p95'], ['p99'], ['Max'], ['Errors', 'Missed']];

/** The plan of a simulation in one line. */
export function describePlan({ plan }: Simulation): string {
  const { seed, users, servers, logins, queries, durationMs } = plan;
  const forHowLong = durationMs === Infinity ? 'until Ctrl-C' : `for ${seconds(durationMs)}`;
  return (
    `seed ${seed}: ${count(users, 'user')}, ${count(servers, 'chat server')}, ` +
    `${number(logins)} logins/s, ${number(queries)} queries/s ${forHowLong}`
  );
}

/** The result of a simulation as human-readable lines and tables. */
export function summaryLines(simulation: Simulation, ending: Ending, verdicts: Verdict[] = []): string[] {
  const { results, elapsedMs } = simulation;
  const figures = results.figures(elapsedMs);
  const rows = [...CALLS, 'all' as const].map((call) => toRow(call, figures[call]));
  const { red } = colors();
  const errors = results.errors.map(
    ({ code, count: times, example }) => `${red(code)}  ${count(times, 'time')}, the first: ${example}`,
  );
  return [
    renderTable(HEAD, rows),
    ...errors,
    describeEvents(simulation),
    describeEnding(ending),
    ...verdicts.map(describeVerdict),
  ];
}

/** Warnings about the run itself. */
export function summaryNotices({ results, elapsedMs, late }: Simulation, { left, kept }: Ending): string[] {
  const { calls, missed } = results.figures(elapsedMs).all;
  const notices: string[] = [];
  if (late.calls > 0) {
    const never = missed > 0 ? `, and ${number(missed)} were never made` : '';
    notices.push(
      `${number(late.calls)} of ${count(calls + missed, 'call')} were late, by up to ${seconds(late.maxMs)}${never}: the` +
        ' daemons or this machine were too slow for this load; the times include the wait',
    );
  }
  if (left > 0) {
    notices.push(
      `${count(left, 'session')} could not be ${kept ? 'kept' : 'logged out'}: they end with the leases of their chat servers, in 10 s`,
    );
  }
  return notices;
}

/** The JSON of a simulation. */
export function summaryJson(
  { plan, results, counts, late, elapsedMs }: Simulation,
  { stopped, online: wereOnline, kept, left }: Ending,
  verdicts: Verdict[] = [],
): object {
  const figures = results.figures(elapsedMs);
  const { all, online, offline, query } = figures;
  return {
    seed: plan.seed,
    durationMs: Math.round(elapsedMs),
    stopped,
    calls: { all: toJson(all), online: toJson(online), offline: toJson(offline), query: toJson(query) },
    errors: results.errors,
    ...counts,
    late: late.calls,
    lateMs: rounded(late.maxMs),
    online: wereOnline,
    kept,
    left,
    assertions: verdicts.map(({ value, ...verdict }) => ({ ...verdict, value: rounded(value, 6) })),
  };
}

function toRow(
  call: string,
  { calls, rate, p50Ms, p95Ms, p99Ms, maxMs, errors, missed }: CallFigures,
): Cell[] {
  const { red, bold } = colors();
  const alarm = (amount: number) => (amount > 0 ? red(number(amount)) : '0');
  const times = [p50Ms, p95Ms, p99Ms, maxMs].map((ms): Cell => [ms === undefined ? '' : milliseconds(ms)]);
  return [
    [bold(call)],
    [number(calls), `${number(Math.round(rate))}/s`],
    ...times,
    [alarm(errors), alarm(missed)],
  ];
}

function describeEvents({ counts, plan, elapsedMs }: Simulation): string {
  const { crashes, cut, ended, disconnections } = counts;
  const happened = [
    count(crashes, 'crash of a chat server', 'crashes of chat servers') +
      (cut > 0 ? `, in the middle of ${count(cut, 'call')}` : ''),
    `${count(ended, 'session')} ended by another login`,
    ...(disconnections > 0 ? [`chat servers lost their daemon ${count(disconnections, 'time')}`] : []),
  ];
  return `seed ${plan.seed}, ${seconds(elapsedMs)}: ${happened.join(', ')}`;
}

function describeEnding({ online, kept, left }: Ending): string {
  const done = `${number(online - left)} of ${count(online, 'session')}`;
  return kept ? `left online for an hour: ${done}` : `logged out: ${done}`;
}

function describeVerdict({ assertion, holds, value }: Verdict): string {
  const { green, red } = colors();
  const was = value === undefined ? 'there was no such call' : `it was ${inUnitsOf(assertion, value)}`;
  return `${holds ? green('holds') : red('fails')}  ${assertion}  (${was})`;
}

function inUnitsOf(assertion: string, value: number): string {
  if (assertion.endsWith('%')) return `${rounded(value * 100)}%`;
  if (/errors|missed/.test(assertion)) return number(value);
  return /rate/.test(assertion) ? `${rounded(value, 1)}/s` : milliseconds(value);
}

function toJson({ calls, rate, p50Ms, p95Ms, p99Ms, maxMs, errors, missed }: CallFigures) {
  const [p50, p95, p99, max] = [p50Ms, p95Ms, p99Ms, maxMs].map((ms) => rounded(ms));
  return { calls, errors, missed, rate: rounded(rate), p50Ms: p50, p95Ms: p95, p99Ms: p99, maxMs: max };
}

/** Absent values become null. */
function rounded(value: number | undefined, digits = 3): number | null {
  return value === undefined ? null : Number(value.toFixed(digits));
}

/** "1.23 ms", "45.6 ms", "789 ms", "1.23 s", "12.3 s" */
export function milliseconds(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

/** "12.3 s", and whole seconds without a point. */
function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`;
}

function number(amount: number): string {
  return amount.toLocaleString('en');
}
