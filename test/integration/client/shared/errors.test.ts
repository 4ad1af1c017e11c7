import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { type ErrorCode, errorTable, ImstateError } from '../../../../packages/client/src/shared/errors.ts';

const documented = [
  ...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([A-Z_]+)` +\| `([A-Z_]+)` +\| (\d) +\|/gm),
];

test('docs/errors.md has every error with its status and exit code, and no other', () => {
  const rows = documented.map(([, code, name, exitCode]) => [code, name, Number(exitCode)]);
  const table = Object.entries(errorTable).map(([code, row]) => [code, status[row.status], row.exitCode]);
  expect(rows).toEqual(table);
});

test('oclif finds the same exit code in both places', () => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const error = new ImstateError(code, 'a message');
    expect(error.oclif.exit).toBe(error.exitCode);
  }
});
