import { pino } from 'pino';
import { expect, test } from 'vitest';
import { PatchReport } from '../../../../src/daemon/internals/patchReport.ts';

test('warns once about a patch that does not apply, and never about one that does', () => {
  const logged: string[] = [];
  const report = new PatchReport(pino({}, { write: (line) => void logged.push(line) }));
  report.note('grpcCall', true);
  expect(logged).toEqual([]);
  for (let i = 0; i < 3; i++) report.note('http2StreamTable', false);
  expect(logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 40,
      patch: 'http2StreamTable',
      lost: 'calls take more CPU time',
      node: process.versions.node,
      msg: expect.stringContaining('a patch does not apply to this version of its dependency'),
    }),
  ]);
});
