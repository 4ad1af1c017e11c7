import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseHostPort } from '../../packages/client/src/shared/address.ts';
import { scratchDirectory } from '../support/credentials.ts';
import { clientOf, disposables } from '../support/disposables.ts';
import { type ImstateProcess, spawnImstate, startImstate } from '../support/imstate.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Longer than any test, so that only the signal ends a command. */
const PATIENT = ['--timeout', '1h'];

/** Starts a command that is killed at the end of the test. */
function start(args: string[], stdin: 'ignore' | 'pipe' = 'ignore'): ImstateProcess {
  const started = spawnImstate(args, {}, stdin);
  disposables.push(async () => {
    started.signal('SIGKILL');
    await started.ended;
  });
  return started;
}

/** The address of a server that accepts connections and stays silent, and the number of its connections. */
async function silentServer(): Promise<{ addr: string; connections(): number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    disposables.push(() => socket.destroy());
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  disposables.push(() => server.close());
  const { port } = server.address() as { port: number };
  return { addr: `127.0.0.1:${port}`, connections: () => count };
}

const followers: [string, string[]][] = [
  ['top', ['top', '--json']],
  ['top --once', ['top', '--once']],
  ['endpoints', ['endpoints', '--watch']],
  ['watch', ['watch', '--all']],
  ['simulate', ['simulate', '--duration', '0s']],
];
const silent = SIGNALS.flatMap((signal) => [
  ...followers.map(([name, args]) => [signal, name, args, '--endpoint'] as const),
  ...followers.map(([name, args]) => [signal, name, args, '--etcd'] as const),
]);

test.each(silent)('%s ends %s %j %s while nothing responds', async (signal, _, args, flag) => {
  const { addr, connections } = await silentServer();
  const command = start([...args, flag, addr, ...PATIENT]);
  await until(connections, 'the command waits for a response');
  command.signal(signal);
  const exitCode = await command.ended;
  // On a slow machine the command may have given up before, with exit code 3.
  const gaveUp = command.stderr().includes('within 2000 ms');
  expect(exitCode).toBe(gaveUp ? 3 : 0);
});

describe.each(SIGNALS)('%s ends', (signal) => {
  test('online --file with a FIFO without a writer', async () => {
    const fifo = join(await scratchDirectory(), 'logins');
    execFileSync('mkfifo', [fifo]);
    const { addr } = await silentServer();
    const command = start(['online', '--file', fifo, '--endpoint', addr, ...PATIENT]);
    await until(() => openFiles(command.pid).includes(fifo), 'the FIFO is open');
    command.signal(signal);
    expect(await command.ended).toBe(130);
  });

  test('online --file during unanswered calls', async () => {
    const daemon = await startImstate('serve', '--port', '0');
    disposables.push(() => daemon.kill());
    const proxy = await startProxy(parseHostPort(daemon.addr)?.port ?? 0);
    disposables.push(() => proxy.close());
    const record = (userId: string) =>
      `${JSON.stringify({ userId, deviceId: 'phone', serverAddr: '10.0.0.1:9000' })}\n`;
    const args = ['online', '--file', '-', '--endpoint', `127.0.0.1:${proxy.port}`, ...PATIENT];
    const command = start(args, 'pipe');
    command.stdin?.write(record('first'));
    await until(() => command.stdout().includes('first/phone is online'), 'the first record is answered');
    proxy.holdAnswers();
    command.stdin?.write(record('second').repeat(3));
    const client = await clientOf(daemon.addr);
    await until(async () => (await client.getUser({ userId: 'second' })).online, 'the second is in flight');
    command.signal(signal);
    expect(await command.ended).toBe(130);
    expect(command.stdout()).toContain('failed: no answer before the end of the command');
  });

  test('simulate while the daemon is frozen', async () => {
    const daemon = await startImstate('serve', '--port', '0');
    disposables.push(() => daemon.kill());
    const command = start(['simulate', '--duration', '0s', '--endpoint', daemon.addr, ...PATIENT]);
    const client = await clientOf(daemon.addr);
    await until(async () => (await client.getStats()).usersOnline > 5, 'some users are online');
    daemon.signal('SIGSTOP');
    command.signal(signal);
    expect(await command.ended).toBe(0);
    expect(command.stderr()).toContain('could not be logged out');
  });
});

/** The paths of the open files of a process. */
function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      // It was closed meanwhile.
      return [];
    }
  });
}
