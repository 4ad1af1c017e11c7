import { errorTable } from 'imstate-client/internal/shared/errors';
import type { Report } from '../../doctor/check.js';
import { printable } from './printable.js';
import { colors } from './style.js';
import { wrap } from './wrap.js';

const STATUSES = ['ok', 'warning', 'failed', 'skipped'] as const;
const STATUS_WIDTH = 'warning'.length;
const NAME_WIDTH = 'daemon-certificates'.length;
const INDENT = STATUS_WIDTH + 2 + NAME_WIDTH + 2;
/** A narrower terminal wraps the messages itself. */
const LEAST_ROOM = 30;

/**
 * Groups reports into lines: checks of one kind that are skipped for the same reason share one, others have
 * their own.
 */
export async function* grouped(reports: AsyncIterable<Report>): AsyncGenerator<Report[], void> {
  let group: Report[] = [];
  for await (const report of reports) {
    if (group[0] !== undefined && !isAlike(group[0], report)) {
      yield group;
      group = [];
    }
    group.push(report);
    if (report.status === 'skipped') continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function isAlike(one: Report, other: Report): boolean {
  return other.status === 'skipped' && one.message === other.message && kind(one) === kind(other);
}

/** "redis" of "redis-dial". */
function kind({ check }: Report): string {
  return check.replace(/-.*/, '');
}

/** The line of a group. On a terminal with `columns`, the rest of the message hangs below. */
export function doctorLines(group: Report[], columns: number | undefined): string[] {
  const { check, status, message } = group[0] as Report;
  const text = printable(message);
  const name = group.length === 1 ? check : `${kind(group[0] as Report)}-* (${group.length})`;
  const room = (columns ?? 0) - INDENT;
  const [first, ...more] = room < LEAST_ROOM ? [text] : wrap(text, room);
  return [
    `${painted(status, status.padEnd(STATUS_WIDTH))}  ${name.padEnd(NAME_WIDTH)}  ${first}`,
    ...more.map((line) => ' '.repeat(INDENT) + line),
  ];
}

/** The number of checks by status. */
export function doctorSummary(reports: Report[]): string {
  const count = (wanted: Report['status']) => reports.filter(({ status }) => status === wanted).length;
  const word = (status: Report['status']) =>
    status === 'warning' && count(status) > 1 ? 'warnings' : status;
  return STATUSES.filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${painted(status, word(status))}`)
    .join(', ');
}

/** 0 if all is well, 1 for warnings, otherwise the exit code of the first failure. */
export function doctorExitCode(reports: Report[]): number {
  const failure = reports.find(({ status }) => status === 'failed');
  if (failure !== undefined) return errorTable[failure.code ?? 'INTERNAL'].exitCode;
  return reports.some(({ status }) => status === 'warning') ? 1 : 0;
}

/** The JSON of `doctor`. */
export function doctorJson(reports: Report[]): object {
  const status = ['failed', 'warning'].find((wanted) => reports.some((report) => report.status === wanted));
  const checks = reports.map(({ check, status, message, code, durationMs }) => ({
    check,
    status,
    message,
    code: code ?? null,
    durationMs,
  }));
  return { status: status ?? 'ok', checks };
}

function painted(status: Report['status'], text: string): string {
  const { green, yellow, red, gray } = colors();
  return { ok: green, warning: yellow, failed: red, skipped: gray }[status](text);
}
