import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../../support/credentials.ts';
import { disposables } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';

const BIN = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));

/** The values of a setting of the unit of the daemon. */
async function settings(name: string): Promise<string[]> {
  const unit = await readFile('deploy/imstate.service', 'utf8');
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value as string);
}

test
  .skipIf(spawnSync('which', ['systemd-analyze']).status !== 0)
  .each(['imstate.service', 'chat-server.service', 'imstate-relay.service'])(
  'systemd accepts %s',
  async (name) => {
    const unit = await readFile(`deploy/${name}`, 'utf8');
    const path = join(await scratchDirectory(), name);
    await writeFile(path, unit.replaceAll(/\/usr\/local\/bin\/[\w-]+/g, process.execPath));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

test('keeps one unit of the daemon, whose numbers are in the guide for operators', async () => {
  const pages = (await readdir('.', { recursive: true })).filter((path) => {
    return /\.(md|service)$/.test(path) && !/(^|\/)node_modules\//.test(path);
  });
  const texts = await Promise.all(pages.map(async (page) => [page, await readFile(page, 'utf8')] as const));
  const units = texts.filter(([, text]) => /^ExecStart=/m.test(text)).map(([page]) => page);
  expect(units.sort()).toEqual([
    'deploy/chat-server.service',
    'deploy/imstate-relay.service',
    'deploy/imstate.service',
  ]);
  const guide = await readFile('docs/operator.md', 'utf8');
  const [files] = await settings('LimitNOFILE');
  expect(guide).toContain(`${Number(files).toLocaleString('en')} open files`);
  expect(guide).toContain(`Allow ${await settings('TimeoutStopSec')} s`);
  expect(guide).toContain(`(${(await settings('RestartPreventExitStatus'))[0]?.replace(' ', ' and ')})`);
});

test('serves with the command of the unit, and exits with 0 on its signal', async () => {
  const folder = await scratchDirectory();
  const [state, cache] = ['state', 'cache'].map((name) => join(folder, name)) as [string, string];
  await mkdir(state, { mode: 0o700 });
  const [command] = await settings('ExecStart');
  const [, ...args] = (command as string).split(' ');
  const env = (await settings('Environment'))
    .flatMap((line) => line.split(' '))
    .map((pair) => pair.split('='));
  const inside: Record<string, string> = { '/var/lib/imstate': state, '/var/cache': cache };
  const child = spawn(BIN, args, {
    env: {
      PATH: process.env.PATH,
      IMSTATE_PORT: '0',
      ...Object.fromEntries(env.map(([name, value]) => [name, inside[value as string]])),
    },
  });
  disposables.push(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = once(child, 'exit');
  await until(() => stderr.includes('ready'), 'the daemon is ready');
  expect(stdout).toContain(`store     embedded, ${state}, identity `);
  child.kill((await settings('KillSignal'))[0] as NodeJS.Signals);
  expect(await ended).toEqual([0, null]);
});
