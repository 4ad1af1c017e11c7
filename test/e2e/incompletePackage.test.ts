import { spawnSync } from 'node:child_process';
import { cp, mkdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { linkModules } from '../support/clone.ts';
import { scratchDirectory } from '../support/credentials.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of the package from which a test may remove parts. */
async function packageCopy(): Promise<string> {
  const folder = join(await scratchDirectory(), 'imstate');
  await mkdir(folder);
  for (const part of ['bin', 'dist', 'packages', 'package.json', 'oclif.manifest.json']) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  await linkModules(folder);
  return folder;
}

const remove = (path: string) => rm(path, { recursive: true });
const halve = (path: string) => truncate(path, 1_001);

/** States of dist/ during a build. */
const states: [string, (path: string) => Promise<void>, string, string[]][] = [
  ['nothing of dist/', remove, 'dist', ['--version']],
  ['half of start.cjs', halve, 'dist/cli/start.cjs', ['--version']],
  ['no bundle', remove, 'dist/cli/main.cjs', ['--version']],

  ['nothing of the daemon', remove, 'dist/daemon', ['serve', '--port', '0']],
  ['half of a module of the daemon', halve, 'dist/daemon/startDaemon.js', ['serve', '--port', '0']],
  ['no module that the doctor imports', remove, 'packages/client/dist/registry', ['doctor']],
];

test.each(states)('prints one sentence while the package has %s', async (_, change, path, args) => {
  const folder = await packageCopy();
  await change(join(folder, path));
  const { stderr, status } = spawnSync(process.execPath, [join(folder, 'bin/run.js'), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
    env: { ...process.env, NODE_ENV: 'production', IMSTATE_DATA_DIR: join(folder, 'data') },
  });
  expect(stderr).toMatch(
    /^Error: [^\n]*cannot be loaded \([^\n]*\): if it is being built or installed, [^\n]*\n$/,
  );
  expect(status).toBe(3);
});
