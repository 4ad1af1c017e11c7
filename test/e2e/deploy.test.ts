import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import pkg from '../../package.json' with { type: 'json' };
import { disposables } from '../support/disposables.ts';
import { startImstate } from '../support/imstate.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

async function folderUntilTheEnd(): Promise<string> {
  const { path, remove } = await temporaryDirectory();
  disposables.push(remove);
  return path;
}

/** A directory that contains the binary as `imstate`, like /usr/local/bin after an installation. */
async function binFolder(): Promise<string> {
  const folder = await folderUntilTheEnd();
  await symlink(BIN, join(folder, 'imstate'));
  return folder;
}

/** The values of a setting of the unit. */
async function settings(name: string): Promise<string[]> {
  const unit = await readFile('deploy/imstate.service', 'utf8');
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value as string);
}

test.skipIf(spawnSync('which', ['systemd-analyze']).status !== 0)('systemd accepts the unit', async () => {
  const folder = await folderUntilTheEnd();
  const unit = await readFile('deploy/imstate.service', 'utf8');
  const path = join(folder, 'imstate.service');
  await writeFile(path, unit.replace('/usr/local/bin/imstate', process.execPath));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('keeps one unit, whose numbers are in the guide for operators', async () => {
  const pages = (await readdir('.', { recursive: true })).filter((path) => {
    return /\.(md|service)$/.test(path) && !/(^|\/)node_modules\//.test(path);
  });
  const texts = await Promise.all(pages.map(async (page) => [page, await readFile(page, 'utf8')] as const));
  expect(texts.filter(([, text]) => /^ExecStart=/m.test(text)).map(([page]) => page)).toEqual([
    'deploy/imstate.service',
  ]);
  const guide = await readFile('docs/operator.md', 'utf8');
  const [files] = await settings('LimitNOFILE');
  expect(guide).toContain(`${Number(files).toLocaleString('en')} open files`);
  expect(guide).toContain(`Allow ${await settings('TimeoutStopSec')} s`);
  expect(guide).toContain(`(${(await settings('RestartPreventExitStatus'))[0]?.replace(' ', ' and ')})`);
});

test('serves with the command of the unit, and exits with 0 on its signal', async () => {
  const folder = await folderUntilTheEnd();
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

test("the container's health check passes only while the daemon serves", async () => {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const check = /^HEALTHCHECK .*\\\n {2}CMD (.*)$/m.exec(dockerfile)?.[1] as string;
  const daemon = await startImstate('serve', '--port', '0');
  disposables.push(() => daemon.kill());
  const env = {
    PATH: `${await binFolder()}:${process.env.PATH}`,
    IMSTATE_PORT: daemon.addr.split(':')[1] as string,
  };
  const isHealthy = async () => (await once(spawn('sh', ['-c', check], { env }), 'exit'))[0] === 0;
  expect(await isHealthy()).toBe(true);
  daemon.signal('SIGSTOP');
  expect(await isHealthy()).toBe(false);
  daemon.signal('SIGCONT');
  await until(isHealthy, 'the daemon is healthy again');
  await daemon.kill();
  expect(await isHealthy()).toBe(false);
});

test('copies the files of the package into the image', async () => {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const copied = [...dockerfile.matchAll(/^COPY --from=build (.*) \S+$/gm)].flatMap(([, sources]) =>
    (sources as string).split(' '),
  );
  const ofClient = ['package.json', 'dist'].map((name) => `packages/client/${name}`);
  expect(copied.map((path) => path.replace('/src/', '')).sort()).toEqual(
    [...pkg.files, ...ofClient, 'package.json', 'node_modules'].sort(),
  );
});

/** Output of the build, which is not in the clone. */
const BUILT = ['dist', 'docs/imstate.schema.json', 'node_modules', 'oclif.manifest.json'];

test('does not exclude any file that the image build copies', async () => {
  const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
  const ignored = await readFile('deploy/Dockerfile.dockerignore', 'utf8');
  const sent = [...ignored.matchAll(/^!(.*)$/gm)].map(([, path]) => path as string);
  const copied = [...dockerfile.matchAll(/^COPY (?:--from=build )?([^.\n].*) \S+$/gm)]
    .flatMap(([, sources]) => (sources as string).split(' '))
    .map((path) => path.replace('/src/', ''))
    .filter((path) => !BUILT.includes(path));
  const isSent = (path: string) => sent.some((each) => path === each || path.startsWith(`${each}/`));
  expect(copied).toContain('package.json');
  expect(copied.filter((path) => !isSent(path))).toEqual([]);
});
