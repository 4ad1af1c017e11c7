import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseHostPort } from '../../../../packages/client/src/shared/address.ts';
import { holderOf } from '../../../../src/store/lmdb/dataDirectoryLock.ts';
import { scratchDirectory } from '../../../support/credentials.ts';
import { startTestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { startImstate } from '../../../support/imstate.ts';
import { until } from '../../../support/until.ts';

const BIN = fileURLToPath(new URL('../../../../bin/run.js', import.meta.url));

test('rejects a second daemon on a data directory with PID and address of the first', async () => {
  const first = await startDaemon();
  await expect(startTestDaemon({ dataDir: first.dataDir })).rejects.toMatchObject({
    code: 'DATA_FOLDER_IN_USE',
    message: expect.stringContaining(`the daemon at ${first.addr} (pid ${process.pid})`),
  });
});

test('reports the directory for a second daemon on the same directory and port', async () => {
  const first = await startDaemon();
  const second = startTestDaemon({ dataDir: first.dataDir, port: parseHostPort(first.addr)?.port as number });
  await expect(second).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' });
});

test('excludes daemons of another PID namespace', async () => {
  const dataDir = await scratchDirectory();
  const first = startContainer(dataDir);
  await until(() => first.stdout().includes('service'), 'the first daemon is ready');
  const addr = /^address\s+(\S+)/m.exec(first.stdout())?.[1];
  const second = startContainer(dataDir);
  expect(await second.ended).toBe(3);
  expect(second.stderr()).toContain(`is in use by the daemon at ${addr} (pid 1)`);
  expect(first.child.exitCode).toBeNull();
});

test('releases the directory immediately after kill -9, also for doctor', async () => {
  const dataDir = await scratchDirectory();
  const killed = await startImstate('serve', '--port', '0', '--data-dir', dataDir);
  expect(await holderOf(dataDir)).toMatchObject({ pid: killed.pid, addr: killed.addr, host: hostname() });
  await killed.kill();
  expect(await holderOf(dataDir)).toBeUndefined();
  await (await startTestDaemon({ dataDir })).stop();
});

test('respects the lock file of earlier versions', async () => {
  const dataDir = await scratchDirectory();
  const other = spawn('sleep', ['600'], { stdio: 'ignore' });
  disposables.push(() => other.kill());
  const fields = (await readFile(`/proc/${other.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ');
  const holder = { pid: other.pid, startedAt: fields?.[19], addr: '127.0.0.1:8080' };
  await writeFile(join(dataDir, 'daemon.lock'), JSON.stringify(holder));
  expect(await holderOf(dataDir)).toMatchObject(holder);
  await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({
    code: 'DATA_FOLDER_IN_USE',
    message: expect.stringContaining(`the daemon at 127.0.0.1:8080 (pid ${other.pid})`),
  });
  other.kill('SIGKILL');
  await until(async () => (await holderOf(dataDir)) === undefined, 'the holder has exited');
  await (await startTestDaemon({ dataDir })).stop();
});

test.each(['null', 'no lock', JSON.stringify({ pid: 1, startedAt: 'never', addr: 'x' })])(
  'takes over a file without a lock, and empties it on stop: %s',
  async (text) => {
    const dataDir = await scratchDirectory();
    await writeFile(join(dataDir, 'daemon.lock'), text);
    const daemon = await startTestDaemon({ dataDir });
    expect(await holderOf(dataDir)).toMatchObject({ addr: daemon.addr });
    await daemon.stop();
    expect(await holderOf(dataDir)).toBeUndefined();
    expect(await readFile(join(dataDir, 'daemon.lock'), 'utf8')).toBe('');
  },
);

test('fails if the lock file is a directory', async () => {
  const dataDir = await scratchDirectory();
  await mkdir(join(dataDir, 'daemon.lock'));
  await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' });
});

test('fails if the lock file is a link, without changing its target', async () => {
  const dataDir = await scratchDirectory();
  const victim = join(await scratchDirectory(), 'victim');
  await writeFile(victim, 'precious');
  await symlink(victim, join(dataDir, 'daemon.lock'));
  await expect(startTestDaemon({ dataDir })).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' });
  expect(await readFile(victim, 'utf8')).toBe('precious');
  await expect(stat(join(dataDir, 'presence.lmdb'))).rejects.toMatchObject({ code: 'ENOENT' });
});

/** The real binary as process 1 of a separate PID namespace, until the end of the test. */
function startContainer(dataDir: string) {
  const serve = [process.execPath, BIN, 'serve', '--port', '0', '--data-dir', dataDir];
  const child = spawn('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', ...serve], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  disposables.push(() => end(child, ended));
  return { child, ended, stdout: () => text.stdout, stderr: () => text.stderr };
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}
