import { expect, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import { runImstate } from '../../support/imstate.ts';
import { runCli } from '../../support/runCli.ts';

test('version prints what --version prints', async () => {
  const { stdout } = await runImstate(['version']);
  expect(stdout).toContain(`imstate/${pkg.version} `);
  expect(await runImstate(['--version'])).toEqual({ stdout, stderr: '', exitCode: 0 });
});

test('version --json has the versions and the platform', async () => {
  expect(JSON.parse((await runCli(['version', '-o', 'json'])).stdout)).toEqual({
    version: pkg.version,
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  });
});
