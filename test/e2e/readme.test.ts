import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { ROOT } from '../support/installedPackage.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';

const TSX = join(ROOT, 'node_modules/tsx/dist/loader.mjs');

test('keeps the chat server of README at 20 lines', async () => {
  const lines = (await chatServer()).split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBe(20);
});

test('delivers messages, and closes replaced connections, with the chat server of README', async () => {
  const daemon = await startDaemon();
  const imstate = await clientOf(daemon.addr);
  const url = await start(daemon.addr);
  const isOnline = async (userId: string) => (await imstate.getUser({ userId })).online;
  const [alice, bob] = await Promise.all([connectTo(url, 'alice'), connectTo(url, 'bob')]);
  await until(async () => (await isOnline('alice')) && (await isOnline('bob')), 'both are online');

  alice.socket.send('bob hello bob');
  await until(() => bob.received.includes('alice: hello bob'), 'bob receives the message');

  const second = await connectTo(url, 'alice');
  await until(() => alice.socket.readyState === WebSocket.CLOSED, 'the first connection is closed');
  expect(second.socket.readyState).toBe(WebSocket.OPEN);
  expect(await isOnline('alice')).toBe(true);

  bob.socket.close();
  await until(async () => !(await isOnline('bob')), 'bob is offline');
});

async function chatServer(): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  return /^```ts\n(.*?)^```$/ms.exec(readme)?.[1] ?? '';
}

/** Starts the chat server in a project that has imstate-client and ws, and returns its URL. */
async function start(daemonAddr: string): Promise<string> {
  const directory = await temporaryDirectory();
  disposables.push(() => directory.remove());
  await mkdir(join(directory.path, 'node_modules'));
  for (const name of ['imstate-client', 'ws'])
    await symlink(join(ROOT, 'node_modules', name), join(directory.path, 'node_modules', name));
  await writeFile(join(directory.path, 'package.json'), '{"type":"module"}');
  const program = (await chatServer())
    .replace('127.0.0.1:8080', daemonAddr)
    .replace('{ port: 9000 }', '{ port: 0 }, function () { console.log(this.address().port); }');
  await writeFile(join(directory.path, 'chat.ts'), program);
  const child = spawn(process.execPath, ['--import', TSX, 'chat.ts'], {
    cwd: directory.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  disposables.push(() => child.kill('SIGKILL') && ended);
  const [port] = await Promise.race([once(child.stdout, 'data'), ended]);
  return `ws://127.0.0.1:${`${port}`.trim()}`;
}

/** A connection of a user, and the messages that it receives. */
async function connectTo(url: string, userId: string): Promise<{ socket: WebSocket; received: string[] }> {
  const received: string[] = [];
  const socket = new WebSocket(`${url}/${userId}`);
  disposables.push(() => socket.terminate());
  socket.on('message', (data) => received.push(data.toString()));
  await once(socket, 'open');
  return { socket, received };
}
