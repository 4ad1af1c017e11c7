import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { linkModules } from '../support/clone.ts';
import { scratchDirectory } from '../support/credentials.ts';
import { ROOT } from '../support/installedPackage.ts';
import { until } from '../support/until.ts';

const COPIED = ['bin', 'console', 'docs', 'packages', 'proto', 'src', 'package.json', 'tsconfig.json'];

let dev: ChildProcess | undefined;

afterEach(async () => {
  if (dev === undefined || dev.exitCode !== null) return;
  const ended = once(dev, 'exit');
  process.kill(-(dev.pid as number), 'SIGKILL');
  await ended;
});

/** A copy of the sources that a test may change. */
async function clone(): Promise<string> {
  const directory = join(await scratchDirectory(), 'clone');
  await mkdir(directory);
  for (const name of COPIED) await cp(join(ROOT, name), join(directory, name), { recursive: true });
  await linkModules(directory);
  return directory;
}

/**
 * Starts `npm run dev` on free ports; returns a function that reads the HTTP address of each daemon so far.
 */
function startDev(cwd: string): () => string[] {
  const args = ['run', 'dev', '--', '--port', '0', '--http-port', '0'];
  dev = spawn('npm', args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  dev.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  return () => [...output.matchAll(/^http +(\S+)$/gm)].map(([, url]) => url as string);
}

test('npm run dev restarts the daemon when a file is saved', { timeout: 300_000 }, async () => {
  const directory = await clone();
  const starts = startDev(directory);
  await until(() => starts().length === 1, 'the daemon has started');

  await appendFile(join(directory, 'console/style/theme.css'), '/* saved */\n');
  await until(() => starts().length === 2, 'the daemon has restarted for a file of the console');
  const style = await fetch(`${starts()[1]}/console/style/theme.css`);
  expect(await style.text()).toContain('/* saved */');

  for (const [i, file] of [
    'src/daemon/startDaemon.ts',
    'packages/client/src/shared/errors.ts',
    'src/store/redis/scripts/online.lua',
  ].entries()) {
    await appendFile(join(directory, file), '\n');
    await until(() => starts().length === 3 + i, `the daemon has restarted for ${file}`);
  }
});
