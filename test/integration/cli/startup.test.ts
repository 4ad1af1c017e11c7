import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runImstate } from '../../support/imstate.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();

test('a short command loads no package, for all that it needs is in the bundle', async () => {
  // Where NODE_ENV is "test", oclif loads what reads TypeScript.
  const env = { IMSTATE_DATA_DIR: cli.daemon.dataDir, NODE_DEBUG: 'module', NODE_ENV: 'production' };
  const { stderr, exitCode } = await runImstate(['query', 'alice'], env);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/load ".*start\.cjs"/);
  expect(stderr).not.toMatch(/load ".*node_modules/);
});

test('what is compiled anew for each command is small', () => {
  // Without the code cache: the bundle itself is 2 MB.
  expect(statSync('dist/cli/start.cjs').size).toBeLessThan(32 * 1024);
});
