import { expect, test } from 'vitest';
import {
  doctorExitCode,
  doctorJson,
  doctorLines,
  doctorSummary,
  grouped,
} from '../../../../src/cli/output/doctorReport.ts';
import type { Report } from '../../../../src/doctor/check.ts';

const report = (check: string, status: Report['status'], message: string, code?: Report['code']): Report => ({
  check,
  status,
  message,
  durationMs: 1,
  ...(code && { code }),
});

const REPORTS = [
  report('redis-dial', 'failed', 'Redis cannot be reached: start it', 'STORE_UNAVAILABLE'),
  report('redis-memory', 'skipped', 'Redis does not respond'),
  report('redis-clock', 'skipped', 'Redis does not respond'),
  report('etcd-dns', 'skipped', 'Redis does not respond'),
  report('etcd-dial', 'skipped', 'there is no --etcd'),
  report('registry', 'warning', 'entry "\x1b[2J\x9b" is ignored: remove it'),
  report('daemon-call', 'ok', 'answered'),
];

async function* each(reports: Report[]) {
  yield* reports;
}

async function linesOf(reports: Report[], columns?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const group of grouped(each(reports))) lines.push(...doctorLines(group, columns));
  return lines;
}

test('groups checks of one kind that are skipped for one reason, and prints each other check', async () => {
  expect(await linesOf(REPORTS)).toEqual([
    'failed   redis-dial           Redis cannot be reached: start it',
    'skipped  redis-* (2)          Redis does not respond',
    'skipped  etcd-dns             Redis does not respond',
    'skipped  etcd-dial            there is no --etcd',
    'warning  registry             entry "\\u001b[2J\\u009b" is ignored: remove it',
    'ok       daemon-call          answered',
  ]);
  expect(await linesOf(REPORTS.slice(1, 3))).toHaveLength(1);
});

test('wraps long lines with an indent, and breaks words that are too long', async () => {
  const path = 'x'.repeat(60);
  const lines = await linesOf(
    [report('folder-rights', 'ok', `the folder ${path} can be read and written`)],
    80,
  );
  expect(lines).toEqual([
    `ok       folder-rights        the folder`,
    `                              ${'x'.repeat(50)}`,
    `                              ${'x'.repeat(10)} can be read and written`,
  ]);
  expect(await linesOf([report('folder-rights', 'ok', 'a b c '.repeat(20))], 40)).toHaveLength(1);
});

test('takes the exit code of the first failure, or else of a warning', () => {
  const exitCode = (...statuses: [Report['status'], Report['code']?][]) =>
    doctorExitCode(statuses.map(([status, code]) => report('x', status, '', code)));
  expect(exitCode(['ok'], ['skipped'])).toBe(0);
  expect(exitCode(['ok'], ['warning'])).toBe(1);
  expect(exitCode(['warning'], ['failed', 'PERMISSION_DENIED'], ['failed', 'UNSUITABLE'])).toBe(4);
});

test('counts in the summary, and includes the worst status and every check in --json', () => {
  expect(doctorSummary(REPORTS)).toBe('1 ok, 1 warning, 1 failed, 4 skipped');
  expect(doctorJson(REPORTS)).toMatchObject({ status: 'failed', checks: { length: REPORTS.length } });
  expect(doctorJson(REPORTS.slice(1, 4))).toMatchObject({ status: 'ok' });
  expect(doctorJson(REPORTS.slice(5))).toMatchObject({ status: 'warning', checks: [{ code: null }, {}] });
});
