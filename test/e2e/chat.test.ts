import { spawn } from 'node:child_process';
import { beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { FromClient, ToClient } from '../../examples/chat/protocol.ts';
import type { Client } from '../../packages/client/src/index.ts';
import { CHAT, type ChatInstance, startChatInstance, textOf } from '../support/chatInstance.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { until } from '../support/until.ts';

/** As long as the grace, so that neither ends before the other. */
const LEASE_MS = 5_000;

let daemon: TestDaemon;
let imstate: Client;
let [one, two]: ChatInstance[] = [];

beforeEach(async () => {
  daemon = await startDaemon();
  imstate = await clientOf(daemon.addr);
  [one, two] = await Promise.all([startInstance(), startInstance()]);
});

test('delivers messages between users on two instances, in both directions', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  expect(await serverOf('bob')).toBe(second().addr);
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(await bob.send('alice', 'hello back')).toEqual({ devices: 1 });
  expect(await bob.next('message')).toEqual({ type: 'message', from: 'alice', text: 'hello' });
  expect(await alice.next('message')).toEqual({ type: 'message', from: 'bob', text: 'hello back' });
});

test('delivers a message to every device of a user on any instance, and to no offline user', async () => {
  const alice = await User.on(first(), 'alice');
  const devices = [await User.on(first(), 'bob', 'phone'), await User.on(second(), 'bob', 'web')];
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 2 });
  for (const device of devices) expect(await device.next('message')).toMatchObject({ text: 'hello' });
  expect(await alice.send('carol', 'hello')).toEqual({ devices: 0, reason: 'carol is offline' });
});

test('closes the first connection when the device logs in on the other instance', async () => {
  const alice = await User.on(first(), 'alice');
  const old = await User.on(first(), 'bob');
  const fresh = await User.on(second(), 'bob');
  expect(await old.closed).toEqual({ code: 4001, reason: 'REPLACED' });
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(await fresh.next('message')).toMatchObject({ text: 'hello' });
});

test('notifies contacts on every instance', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob', 'carol'] });
  await until(
    () => alice.sees('bob') === true && alice.sees('carol') === false,
    'alice sees the state of both',
  );
  bob.socket.close(1000);
  await until(() => alice.sees('bob') === false, 'alice sees bob go offline');
});

test('takes users of a killed instance offline within the lease, and accepts them on the other', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob'] });
  await until(() => alice.sees('bob') === true, 'alice sees bob');
  second().child.kill('SIGKILL');
  await second().ended;
  // imstate still shows bob as online until the lease runs out: the hop fails.
  expect(await alice.send('bob', 'lost')).toEqual({ devices: 0, reason: 'bob cannot be reached just now' });
  await until(() => alice.sees('bob') === false, 'alice sees bob go offline');
  expect(await alice.send('bob', 'lost')).toEqual({ devices: 0, reason: 'bob is offline' });
  const { entries } = await imstate.listHistory({ userId: 'bob' });
  expect(entries[0]).toMatchObject({ serverAddr: second().addr, reason: 'SERVER_LOST' });

  const back = await User.on(first(), 'bob');
  await until(() => alice.sees('bob') === true, 'alice sees bob come online');
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(await back.next('message')).toMatchObject({ text: 'hello' });
  expect(bob.received).not.toContainEqual(expect.objectContaining({ text: 'lost' }));
});

test('moves users of a stopping instance to the other without visible changes', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob'] });
  await until(() => alice.sees('bob') === true, 'alice sees bob');
  second().child.kill('SIGTERM');
  expect(await bob.closed).toEqual({ code: 1012, reason: 'this instance stops' });
  await User.on(first(), 'bob');
  expect(await second().ended).toBe(0);
  await until(async () => (await serverOf('bob')) === first().addr, 'bob is on the other instance');
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  expect(alice.received.filter(({ type }) => type === 'presence')).toHaveLength(1);
});

test('moves users of a draining instance to the other without visible changes, and accepts no more', async () => {
  const alice = await User.on(first(), 'alice');
  const bob = await User.on(second(), 'bob');
  alice.say({ type: 'follow', userIds: ['bob'] });
  await until(() => alice.sees('bob') === true, 'alice sees bob');
  const moved: boolean[] = [];
  const watch = imstate.watch({ users: ['bob'], initialState: false });
  const watched = (async () => {
    for await (const event of watch) if (event.type === 'change') moved.push(event.moved);
  })();
  disposables.push(async () => {
    watch.close();
    await watched;
  });
  await until(() => watch.revision !== '', 'the watch is synced');
  await imstate.drainServer({ serverAddr: second().addr, overMs: 0 });
  expect(await bob.closed).toEqual({ code: 1012, reason: 'this instance restarts' });
  const refused = new WebSocket(`${second().url}/?user=bob&device=phone`);
  expect(await new Promise((resolve) => refused.on('close', resolve))).toBe(1012);
  await User.on(first(), 'bob');
  await until(async () => (await serverOf('bob')) === first().addr, 'bob is on the other instance');
  expect(await alice.send('bob', 'hello')).toEqual({ devices: 1 });
  await until(() => moved.length > 0, 'the watch receives the move');
  expect(moved).toEqual([true]);
  expect(alice.received.filter(({ type }) => type === 'presence')).toHaveLength(1);
});

test('disconnects only clients that violate the protocol', async () => {
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

test('exchanges messages between a terminal client and a user', async () => {
  const bob = await User.on(second(), 'bob');
  const args = ['--user', 'alice', '--contacts', 'bob', first().url];
  const terminal = spawn(process.execPath, ['--import', 'tsx', `${CHAT}client.ts`, ...args]);
  disposables.push(() => terminal.kill('SIGKILL'));
  const shown = textOf(terminal);
  await until(() => shown().includes('bob is online'), 'the client shows its contact');
  terminal.stdin.write('bob hello\n');
  expect(await bob.next('message')).toMatchObject({ from: 'alice', text: 'hello' });
  bob.say({ type: 'send', id: '1', to: 'alice', text: 'hello back' });
  await until(() => shown().includes('bob: hello back'), 'the client shows the answer');
  const ended = new Promise((resolve) => terminal.once('exit', resolve));
  terminal.stdin.end();
  expect(await ended).toBe(0);
});

const first = () => one as ChatInstance;
const second = () => two as ChatInstance;

/** The chat server of the user's newest device. */
async function serverOf(userId: string): Promise<string | undefined> {
  return (await imstate.getUser({ userId })).devices[0]?.serverAddr;
}

function startInstance(): Promise<ChatInstance> {
  return startChatInstance({ endpoint: daemon.addr, leaseMs: LEASE_MS });
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
  static async on({ url }: ChatInstance, userId: string, deviceId = 'phone'): Promise<User> {
    const user = new User(`${url}/?user=${userId}&device=${deviceId}`);
    await user.next('welcome');
    return user;
  }

  say(message: FromClient): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Sends a message, and resolves with the result of its delivery. */
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

  /** Resolves with the first message of a type. */
  next(type: ToClient['type']): Promise<ToClient> {
    return until(() => this.received.find((message) => message.type === type), `a ${type} message arrives`);
  }

  /** The last received state of a contact. */
  sees(userId: string): boolean | undefined {
    return this.received
      .flatMap((message) => (message.type === 'presence' && message.userId === userId ? message.online : []))
      .at(-1);
  }
}
