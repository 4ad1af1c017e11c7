import { spawn } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/credentials.ts';
import { undo } from '../support/undo.ts';
import { until } from '../support/until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** A uid without a passwd entry, as OpenShift gives to a container. */
const UNKNOWN_UID = 23_456;

const HOMES: [string, () => Promise<Record<string, string>>][] = [
  ['without HOME', async () => ({})],
  ['with an empty HOME', async () => ({ HOME: '' })],
  ['with a HOME that is not there', async () => ({ HOME: '/nonexistent' })],
  ["with another user's HOME, which is read-only", async () => ({ HOME: await readOnlyFolder() })],
  ['with a HOME of its own', async () => ({ HOME: await ownFolder() })],
];

describe.runIf(process.geteuid?.() === 0).each(HOMES)('a user without a passwd entry, %s', (name, home) => {
  test.each([
    { args: ['--version'], code: 0, shows: /^imstate\// },
    { args: ['query', '--help'], code: 0, shows: /USAGE/ },
    { args: ['completion', 'bash'], code: 0, shows: /imstate/ },
    { args: ['context', 'list'], code: 0, shows: /no contexts/ },
    { args: ['query', 'alice', '--endpoint', '127.0.0.1:1'], code: 3, shows: /127\.0\.0\.1:1/ },
    { args: ['nonsense'], code: 2, shows: /nonsense/ },
  ])('runs $args', async ({ args, code, shows }) => {
    const child = start(args, await home());
    await until(() => child.exitCode() !== null, 'the command ends');
    expect({ code: child.exitCode(), output: child.output() }).toEqual({
      code,
      output: expect.stringMatching(shows),
    });
    expect(child.output()).not.toMatch(/SystemError|uv_os|\n\s+at /);
  });

  test('serves from the data folder that it is given', async () => {
    const child = start(
      ['serve', '--port', '0', '--data-dir', join(await ownFolder(), 'data')],
      await home(),
    );
    await until(() => child.output().includes('service') || child.exitCode() !== null, 'the daemon is ready');
    expect(child.output()).not.toContain('Error');
  });

  test.skipIf(name.endsWith('its own'))('is asked for a data folder', async () => {
    const child = start(['serve', '--port', '0'], await home());
    await until(() => child.exitCode() !== null, 'the command ends');
    expect(child.exitCode()).toBe(3);
    expect(child.output()).toMatch(/choose another with\s+--data-dir/);
  });
});

function start(args: string[], env: Record<string, string>) {
  const user = ['--reuid', `${UNKNOWN_UID}`, '--regid', `${UNKNOWN_UID}`, '--clear-groups'];
  const child = spawn('setpriv', [...user, process.execPath, BIN, ...args], {
    cwd: '/',
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  undo.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return { output: () => output, exitCode: () => child.exitCode };
}

async function ownFolder(): Promise<string> {
  const folder = await scratchFolder();
  await chown(folder, UNKNOWN_UID, UNKNOWN_UID);
  return folder;
}

async function readOnlyFolder(): Promise<string> {
  const folder = join(await scratchFolder(), 'home');
  await mkdir(folder);
  await chmod(folder, 0o555);
  return folder;
}
