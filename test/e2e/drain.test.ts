import { expect, test } from 'vitest';
import type { Client } from '../../packages/client/src/index.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { startRedis } from '../support/servers.ts';
import { until } from '../support/until.ts';

const SERVERS = ['10.0.0.1:9000', '10.0.0.2:9000', '10.0.0.3:9000'];
const SESSIONS_PER_SERVER = 100;
const OVER_MS = 2_000;

/** The chat servers, and the devices that connect to any of them which does not drain. */
class Fleet {
  readonly #client: Client;
  readonly #running = new Map<string, ReturnType<Client['server']>>();
  readonly #closed = new Set<string>();
  #incarnation = 1;
  #sessions = 0;
  /** When each device was asked to connect elsewhere, since the drain began. Milliseconds. */
  moves: number[] = [];
  /** How many were left, as the chat server said. */
  left: number[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  async start(addr: string): Promise<void> {
    const begunAt = performance.now();
    const server = this.#client.server({
      addr,
      incarnation: this.#incarnation++,
      leaseTtlMs: 6_000,
      onDrain: ({ userId, deviceId, sessionId, left }) => {
        this.moves.push(performance.now() - begunAt);
        this.left.push(left);
        void server.offline({ userId, deviceId, sessionId }).then(() => this.connect(userId));
      },
    });
    this.#running.set(addr, server);
    await server.ready;
    this.#closed.delete(addr);
  }

  /** Logs the device in at one of the chat servers that are not closed to new connections. */
  async connect(userId: string): Promise<void> {
    const open = [...this.#running].filter(([addr]) => !this.#closed.has(addr));
    const [, server] = open[this.#sessions % open.length] as [string, ReturnType<Client['server']>];
    const sessionId = `s-${this.#sessions++}`;
    await server.online({ userId, deviceId: 'phone', sessionId });
  }

  /** As a load balancer does before a chat server stops. */
  sendNobodyTo(addr: string): void {
    this.#closed.add(addr);
    this.moves = [];
    this.left = [];
  }

  stop(addr: string): void {
    this.#running.get(addr)?.close();
    this.#running.delete(addr);
  }

  close(): void {
    for (const server of this.#running.values()) server.close();
  }
}

/** Every change of a device: went online, offline, or moved. */
async function follow(client: Client) {
  const counts = { online: 0, offline: 0, moved: 0, other: 0 };
  const watch = client.watch({ everything: true });
  let isSynced = false;
  const done = (async () => {
    for await (const event of watch) {
      if (event.type === 'synced') isSynced = true;
      if (event.type !== 'change') continue;
      if (!event.online) counts.offline += 1;
      else if (!event.wasOnline) counts.online += 1;
      else if (event.moved) counts.moved += 1;
      else counts.other += 1;
    }
  })();
  disposables.push(async () => {
    watch.close();
    await done;
  });
  await until(() => isSynced, 'the watch is synced');
  return counts;
}

test.each([['Redis'], ['the embedded store']])(
  'a rolling restart of three chat servers on %s shows nobody as offline',
  async (store) => {
    const redis = store === 'Redis' ? await startRedis() : undefined;
    disposables.push(() => redis?.stop());
    const daemon = await startDaemon({ redis: redis?.url });
    const client = await clientOf(daemon.addr);
    const fleet = new Fleet(client);
    disposables.push(() => fleet.close());
    for (const addr of SERVERS) await fleet.start(addr);
    const users = Array.from({ length: SERVERS.length * SESSIONS_PER_SERVER }, (_, i) => `user-${i}`);
    const counts = await follow(client);
    await Promise.all(users.map((userId) => fleet.connect(userId)));
    const sessionsAt = async (addr: string) =>
      (await client.listServers()).servers.find(({ serverAddr }) => serverAddr === addr)?.sessions ?? 0;

    let moved = 0;
    for (const addr of SERVERS) {
      fleet.sendNobodyTo(addr);
      const { sessions } = await client.drainServer({ serverAddr: addr, overMs: OVER_MS });
      await until(async () => (await sessionsAt(addr)) === 0, `${addr} has no sessions`);
      moved += sessions;
      expect(fleet.moves).toHaveLength(sessions);
      expect(fleet.left).toEqual(Array.from({ length: sessions }, (_, i) => sessions - i - 1));
      fleet.stop(addr);
      await fleet.start(addr);
    }
    await until(() => counts.moved === moved, 'all moves are delivered');
    expect(counts).toEqual({ online: users.length, offline: 0, moved, other: 0 });
    expect((await client.getStats()).usersOnline).toBe(users.length);
  },
);

test('a drain continues when the daemon that began it is lost', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const options = { redis: redis.url, keyPrefix: 'im:' };
  const daemons = [await startDaemon(options), await startDaemon(options)];
  const client = await clientOf(...daemons.map(({ addr }) => addr));
  const fleet = new Fleet(client);
  disposables.push(() => fleet.close());
  const [first, second] = SERVERS as [string, string];
  await fleet.start(first);
  const users = Array.from({ length: SESSIONS_PER_SERVER }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => fleet.connect(userId)));
  await fleet.start(second);
  const counts = await follow(client);
  fleet.sendNobodyTo(first);
  await client.drainServer({ serverAddr: first, overMs: OVER_MS });
  await until(() => fleet.moves.length > 0, 'the drain has begun');
  await daemons[0]?.stop();
  await until(() => counts.moved === users.length, 'all have moved');
  expect(counts).toEqual({ online: 0, offline: 0, moved: users.length, other: 0 });
});
