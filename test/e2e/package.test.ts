import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InstalledPackage, installClient, installPackage, ROOT } from '../support/installedPackage.ts';
import { until } from '../support/until.ts';

const MINUTES = 60_000;

/** A program that uses the installed package: it reports a login and prints what it receives. */
const PROGRAM = `
import { type Client, connect, ImstateError, type UserState } from 'imstate';

const addr = process.argv[2] as string;
const client: Client = await connect({ endpoints: [addr] });
const { sessionId } = await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
const alice: UserState = await client.getUser({ userId: 'alice' });
for await (const event of client.watch({ users: ['alice'] })) {
  if (event.type !== 'snapshot') continue;
  const watched = event.devices.map((device) => device.sessionId);
  console.log(JSON.stringify({ online: alice.online, sessionId, watched }));
  break;
}
// @ts-expect-error: a login names its user
const refused = client.online({ deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
const code = await refused.catch((error) => error instanceof ImstateError && error.code);
console.log(code);
await client.close();
`;

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
  },
  files: ['program.ts'],
};

let folder: InstalledPackage;
let started: ChildProcess | undefined;

beforeAll(async () => {
  folder = await installPackage();
}, 10 * MINUTES);

afterAll(async () => {
  started?.kill('SIGKILL');
  await folder.remove();
});

describe('the package as npm installs it', { timeout: 5 * MINUTES }, () => {
  test('contains no tests, sources or maps', async () => {
    const files = await readdir(join(folder.path, 'node_modules/imstate'), { recursive: true });
    const isNeeded =
      /^(bin|console|dist|proto)($|\/)|^docs(\/(imstate\.schema\.json|openapi\.yaml))?$|^(package\.json|oclif\.manifest\.json|README(\.zh-CN)?\.md|LICENSE)$/;
    expect(files.filter((file) => !isNeeded.test(file))).toEqual([]);
    expect(files.filter((file) => /\.map$|\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  test('contains only JavaScript and types in the client', async () => {
    const files = await readdir(join(folder.path, 'node_modules/imstate-client'), { recursive: true });
    const isNeeded = /^dist($|\/)|^(package\.json|README\.md|LICENSE)$/;
    expect(files.filter((file) => !isNeeded.test(file) || /\.map$|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  test('npx finds the command', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(await folder.run('npx', 'imstate', '--version')).toContain(`imstate/${version} `);
  });

  test('starts a daemon that a typed program and the commands can call', async () => {
    await writeFile(join(folder.path, 'program.ts'), PROGRAM);
    await writeFile(join(folder.path, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    await folder.run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.');
    const daemon = await startDaemon();
    try {
      const [report, code] = (await folder.run(process.execPath, 'program.js', daemon.addr))
        .trim()
        .split('\n');
      const { sessionId, ...rest } = JSON.parse(report as string);
      expect(rest).toEqual({ online: true, watched: [sessionId] });
      expect(code).toBe('INVALID_ARGUMENT');
      const query = await folder.run('npx', 'imstate', 'query', 'alice', '--endpoint', daemon.addr, '--json');
      expect(JSON.parse(query)).toMatchObject({ online: true, devices: [{ deviceId: 'phone', sessionId }] });
    } finally {
      daemon.process.kill('SIGTERM');
    }
    expect(await once(daemon.process, 'exit')).toEqual([0, null]);
  });
});

describe('the client alone', { timeout: 5 * MINUTES }, () => {
  test('installs few packages and megabytes, and calls a daemon', async () => {
    const project = await installClient();
    try {
      const listed = (await project.run('npm', 'ls', '--all', '--parseable')).trim().split('\n').slice(1);
      expect(listed.length).toBeLessThanOrEqual(40);
      expect(listed.filter((path) => /lmdb|oclif|opentelemetry|uplot|ioredis|imstate$/i.test(path))).toEqual(
        [],
      );
      const [kilobytes] = (await project.run('du', '-sk', 'node_modules')).split('\t');
      expect(Number(kilobytes)).toBeLessThanOrEqual(20 * 1024);
      const daemon = await startDaemon();
      try {
        await writeFile(join(project.path, 'program.ts'), PROGRAM.replace("'imstate'", "'imstate-client'"));
        await writeFile(join(project.path, 'tsconfig.json'), JSON.stringify(TSCONFIG));
        await project.run('npm', 'install', '--prefer-offline', '--no-audit', '@types/node@20');
        await project.run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.');
        const output = await project.run(process.execPath, 'program.js', daemon.addr);
        expect(JSON.parse(output.split('\n')[0] as string)).toMatchObject({ online: true });
      } finally {
        daemon.process.kill('SIGTERM');
      }
    } finally {
      await project.remove();
    }
  });
});

async function startDaemon(): Promise<{ addr: string; process: ChildProcess }> {
  const bin = join(folder.path, 'node_modules/.bin/imstate');
  const args = ['serve', '--port', '0', '--data-dir', join(folder.path, 'data'), '--log-level', 'warn'];
  const daemon = spawn(bin, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  started = daemon;
  let text = '';
  daemon.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await until(() => text.includes('service') || daemon.exitCode !== null, 'the daemon is ready');
  return { addr: /^address\s+(\S+)/.exec(text)?.[1] as string, process: daemon };
}
