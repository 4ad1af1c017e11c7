import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { FromClient, ToClient } from '../../examples/chat/protocol.ts';
import type { Client } from '../../packages/client/src/index.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { until } from '../support/until.ts';

const CHAT = fileURLToPath(new URL('../../examples/chat/', import.meta.url));
/** As long as the grace, so that neither cuts the other short. */
const LEASE_MS = 5_000;

/** A process of examples/chat/main.ts. */
interface Instance {
  url: string;
  /** As imstate knows it. */
  addr: string;
  child: ChildProcess;
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

let daemon: TestDaemon;
let imstate: Client;
let [one, two]: Instance[] = [];

beforeEach(async () => {
  daemon = await startDaemon();
  imstate = await clientOf(daemon.addr);
  [one, two] = await Promise.all([startInstance(), startInstance()]);
});

test('a message goes from a user on one instance to a user on the other, and back', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  expect(await serverOf('bob')).toBe(second().addr);
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(await bob.send('alice', 'hello back')).toEqual({ devices: 1 });
  expect(await bob.next('message')).toEqual({ type: 'message', from: 'alice', text: 'hello' });
  expect(await alice.next('message')).toEqual({ type: 'message', from: 'bob', text: 'hello back' });
});

test('a message reaches every device of a user, wherever it is, and nobody who is offline', async () => {
  const alice = await User.on(first(), 'alice');
  const devices = [await User.on(first(), 'bob', 'phone'), await User.on(second(), 'bob', 'web')];
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 2 });
  for (const device of devices) expect(await device.next('message')).toMatchObject({ text: 'hello' });
  expect(await alice.send('carol', 'hello')).toEqual({ devices: 0, reason: 'carol is offline' });
});

test('a second login of a device on the other instance closes the first connection', async () => {
  const alice = await User.on(first(), 'alice');
  const old = await User.on(first(), 'bob');
  const fresh = await User.on(second(), 'bob');
  expect(await old.closed).toEqual({ code: 4001, reason: 'REPLACED' });
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(await fresh.next('message')).toMatchObject({ text: 'hello' });
});

test('contacts are told, wherever they are', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob', 'carol'] });
  await until(() => alice.sees('bob') === true && alice.sees('carol') === false, 'alice sees how they stand');
  bob.socket.close(1000);
  await until(() => alice.sees('bob') === false, 'alice sees bob go');
});

test('kill -9 of an instance takes its users offline within the lease, and they go on at the other', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob'] });
  await until(() => alice.sees('bob') === true, 'alice sees bob');
  second().child.kill('SIGKILL');
  await second().ended;
  // Until the lease has run out imstate cannot know: the hop fails.
  expect(await alice.send('bob', 'lost')).toEqual({ devices: 0, reason: 'bob cannot be reached just now' });
  await until(() => alice.sees('bob') === false, 'alice sees bob go');
  expect(await alice.send('bob', 'lost')).toEqual({ devices: 0, reason: 'bob is offline' });
  const { entries } = await imstate.listHistory({ userId: 'bob' });
  expect(entries[0]).toMatchObject({ serverAddr: second().addr, reason: 'SERVER_LOST' });

  const back = await User.on(first(), 'bob');
  await until(() => alice.sees('bob') === true, 'alice sees bob come back');
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(await back.next('message')).toMatchObject({ text: 'hello' });
  expect(bob.received).not.toContainEqual(expect.objectContaining({ text: 'lost' }));
});

test('an instance that stops sends its users to the other, and their contacts see nothing', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob'] });
  await until(() => alice.sees('bob') === true, 'alice sees bob');
  second().child.kill('SIGTERM');
  expect(await bob.closed).toEqual({ code: 1012, reason: 'this instance stops' });
  await User.on(first(), 'bob');
  expect(await second().ended).toBe(0);
  await until(async () => (await serverOf('bob')) === first().addr, 'bob is on the other');
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(alice.received.filter(({ type }) => type === 'presence')).toHaveLength(1);
});

test('who breaks the protocol is disconnected, and nobody else is harmed', async () => {
  const alice = await User.on(first(), 'alice');
  for (const said of [
    'no json',
    '{}',
    '{"type":"follow","userIds":[""]}',
    '{"type":"follow","userIds":["a\\n"]}',
  ]) {
    const mallory = await User.on(first(), 'mallory');
    mallory.socket.send(said);
    expect(await mallory.closed).toMatchObject({ code: 1008 });
  }
  for (const path of ['//', '/?user=mallory', '/?user=mallory&device=%00']) {
    const stranger = new WebSocket(first().url + path);
    expect(await new Promise((resolve) => stranger.on('close', resolve))).toBe(1008);
  }
  const hop = { method: 'POST', body: '{}' };
  expect((await fetch(`http://${first().addr}/`, hop)).status).toBe(400);
  expect(await alice.send('alice', 'still here')).toEqual({ devices: 1 });
});

test('the terminal client talks to another', async () => {
  const bob = await User.on(second(), 'bob');
  const args = ['--user', 'alice', '--contacts', 'bob', first().url];
  const terminal = spawn(process.execPath, ['--import', 'tsx', `${CHAT}client.ts`, ...args]);
  disposables.push(() => terminal.kill('SIGKILL'));
  const shown = textOf(terminal);
  await until(() => shown().includes('bob is online'), 'it shows its contact');
  terminal.stdin.write('bob hello\n');
  expect(await bob.next('message')).toMatchObject({ from: 'alice', text: 'hello' });
  bob.say({ type: 'send', id: '1', to: 'alice', text: 'hello back' });
  await until(() => shown().includes('bob: hello back'), 'it shows the answer');
  const ended = new Promise((resolve) => terminal.once('exit', resolve));
  terminal.stdin.end();
  expect(await ended).toBe(0);
});

const first = () => one as Instance;
const second = () => two as Instance;

/** The chat server of the user's newest device. */
async function serverOf(userId: string): Promise<string | undefined> {
  return (await imstate.getUser({ userId })).devices[0]?.serverAddr;
}

async function startInstance(): Promise<Instance> {
  const ports = ['--port', '0', '--hop-port', '0', '--lease-ms', `${LEASE_MS}`, '--endpoint', daemon.addr];
  const child = spawn(process.execPath, ['--import', 'tsx', `${CHAT}main.ts`, ...ports]);
  const shown = textOf(child);
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  disposables.push(() => child.kill('SIGKILL') && ended);
  await until(() => shown().includes('imstate ') || child.exitCode !== null, 'the chat server is ready');
  const [, url, addr] = /^clients\s+(\S+)\nimstate\s+(\S+)\n/m.exec(shown()) ?? [];
  if (!url || !addr) throw new Error(`the chat server did not start: ${shown()}`);
  return { url, addr, child, ended };
}

function textOf({ stdout, stderr }: ChildProcess): () => string {
  let text = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

/** A device of a user, connected to an instance. */
class User {
  readonly received: ToClient[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly socket: WebSocket;
  #sent = 0;

  private constructor(url: string) {
    this.socket = new WebSocket(url);
    disposables.push(() => this.socket.terminate());
    this.socket
      .on('error', () => {})
      .on('message', (data) => this.received.push(JSON.parse(data.toString())));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Resolves once the user is logged in. */
  static async on({ url }: Instance, userId: string, deviceId = 'phone'): Promise<User> {
    const user = new User(`${url}/?user=${userId}&device=${deviceId}`);
    await user.next('welcome');
    return user;
  }

  say(message: FromClient): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Sends a message, and resolves with what became of it. */
  async send(to: string, text: string): Promise<{ devices: number; reason?: string }> {
    const id = `${++this.#sent}`;
    this.say({ type: 'send', id, to, text });
    const isAnswer = (message: ToClient) => message.type === 'sent' && message.id === id;
    const { devices, reason } = (await until(() => this.received.find(isAnswer), `${text} is answered`)) as {
      devices: number;
      reason?: string;
    };
    return reason === undefined ? { devices } : { devices, reason };
  }

  /** The first message of a type, when it has come. */
  next(type: ToClient['type']): Promise<ToClient> {
    return until(() => this.received.find((message) => message.type === type), `a ${type} comes`);
  }

  /** What it was told last of a contact. */
  sees(userId: string): boolean | undefined {
    return this.received
      .flatMap((said) => (said.type === 'presence' && said.userId === userId ? said.online : []))
      .at(-1);
  }
}
