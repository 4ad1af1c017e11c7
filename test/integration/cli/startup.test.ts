import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runImstate } from '../../support/imstate.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();

test('a short command loads no package outside the bundle', async () => {
  // If NODE_ENV is "test", oclif loads its TypeScript support.
  const env = { IMSTATE_DATA_DIR: cli.daemon.dataDir, NODE_DEBUG: 'module', NODE_ENV: 'production' };
  const { stderr, exitCode } = await runImstate(['query', 'alice'], env);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/load ".*start\.cjs"/);
  expect(stderr).not.toMatch(/load ".*node_modules/);
});

test('little code is compiled for each command', () => {
  // Only start.cjs is compiled: the bundle itself is 2 MB, and comes from the code cache.
  expect(statSync('dist/cli/start.cjs').size).toBeLessThan(32 * 1024);
});
