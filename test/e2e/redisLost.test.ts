import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import type {
  Client,
  ImstateError,
  OnlineRequest,
  PageRequest,
  SessionsPage,
} from '../../packages/client/src/index.ts';
import { grpcClients, type TestDaemon } from '../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { startProxy, type TcpProxy } from '../support/proxy.ts';
import { startRedis } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** A session as a chat server knows it. */
type HeldSession = OnlineRequest & { sessionId: string };

/** A separate redis-server for the test. */
async function ownRedis() {
  const server = await startRedis();
  disposables.push(() => server.stop());
  const admin = new Redis(server.url, { lazyConnect: true, retryStrategy: () => 20 });
  admin.on('error', () => {});
  disposables.push(() => admin.disconnect());
  await admin.connect();
  return Object.assign(server, { admin });
}

/** Retries a call until it succeeds: on a stalling machine, a daemon may consider its Redis unavailable. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  const unlessUnavailable = (error: ImstateError) => {
    if (error.code !== 'UNAVAILABLE') throw error;
    return undefined;
  };
  const wrap = (value: T) => ({ value });
  return (await until(() => call().then(wrap, unlessUnavailable), 'the call is answered')).value;
}

/** A chat server on plain gRPC, as docs/presence.md describes one: it holds sessions and renews a lease. */
class ChatServer {
  readonly held = new Map<string, HeldSession>();
  readonly ready: Promise<void>;
  readonly #client: Client;
  readonly #addr: string;
  readonly #grpc: ReturnType<typeof grpcClients>;
  #mayResync = true;
  #isOver = false;

  constructor(client: Client, daemon: TestDaemon, addr: string) {
    this.#client = client;
    this.#addr = addr;
    this.#grpc = grpcClients(daemon.addr);
    this.ready = new Promise((resolve) => void this.#keepAlive(resolve));
    disposables.push(() => {
      this.#isOver = true;
      this.#grpc.close();
    });
  }

  async login(userId: string, sessionId = `of-${userId}`): Promise<void> {
    const login = { userId, deviceId: 'phone', serverAddr: this.#addr, sessionId, platform: 'ios' };
    const session = { ...login, metadata: { version: `of ${userId}` } };
    const { loginTime } = await answered(() => this.#client.online({ ...session, serverIncarnation: 1 }));
    this.held.set(userId, { ...session, loginTime });
  }

  async logout(userId: string): Promise<void> {
    const { sessionId } = this.held.get(userId) as HeldSession;
    this.held.delete(userId);
    await answered(() => this.#client.offline({ userId, deviceId: 'phone', sessionId }));
  }

  /** Ignores requests for a resync until mayResync(). */
  mustNotResync(): void {
    this.#mayResync = false;
  }

  mayResync(): void {
    this.#mayResync = true;
  }

  async #keepAlive(onReady: () => void): Promise<void> {
    let stream = this.#grpc.v1.keepServerAlive();
    let resynced = '';
    while (!this.#isOver) {
      try {
        const request = { serverAddr: this.#addr, incarnation: 1, timeToLive: { seconds: 6 }, resynced };
        const { resync, resyncToken } = await stream.send(request);
        if (!resync) onReady();
        else if (this.#mayResync && resynced !== resyncToken) {
          await Promise.all([...this.held.values()].map((each) => this.#resend(each)));
          resynced = resyncToken;
          continue;
        }
      } catch {
        stream.cancel();
        stream = this.#grpc.v1.keepServerAlive();
      }
      await delay(500);
    }
  }

  #resend(session: HeldSession): Promise<unknown> {
    return this.#client.online({ ...session, serverIncarnation: 1 });
  }
}

const names = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i}`);

/** Reads the visible state. */
class Reader {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  getUser(userId: string) {
    return answered(() => this.#client.getUser({ userId }));
  }

  getStats() {
    return answered(() => this.#client.getStats());
  }

  async history(userId: string) {
    return (await answered(() => this.#client.listHistory({ userId }))).entries;
  }

  async leaseState(addr: string) {
    const { servers } = await answered(() => this.#client.listServers());
    return servers.find(({ serverAddr }) => serverAddr === addr)?.lease?.state;
  }

  /** All listed sessions by user, in the form in which a chat server knows them. */
  async listing(): Promise<Map<string, HeldSession>> {
    const found = new Map<string, HeldSession>();
    for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
      const request: PageRequest = { pageSize: 1_000, pageToken };
      const page: SessionsPage = await answered(() => this.#client.listSessions(request));
      for (const { userId, device } of page.sessions) {
        const { deviceId, serverAddr, platform, metadata, loginTime } = device;
        const sessionId = device.sessionId as string;
        found.set(userId, { userId, deviceId, serverAddr, sessionId, platform, metadata, loginTime });
      }
      pageToken = page.nextPageToken;
    }
    return found;
  }

  /** Waits until the resync of these chat servers is done and all ends are recorded. */
  async healed(...addrs: string[]): Promise<void> {
    for (const addr of addrs) {
      await until(async () => (await this.leaseState(addr)) === 'ALIVE', `the resync of ${addr} is done`);
    }
    const counted = async () => (await this.getStats()).devicesOnline;
    await until(async () => (await counted()) === (await this.listing()).size, 'all ends are recorded');
  }

  /** Expects that the visible state and the counters match what the chat servers hold. */
  async expectOnline(...sessions: Iterable<HeldSession>[]): Promise<void> {
    const expected = sessions.flatMap((each) => [...each]);
    expect(await this.listing()).toEqual(new Map(expected.map((session) => [session.userId, session])));
    const byServer: Record<string, number> = {};
    for (const { serverAddr } of expected) byServer[serverAddr] = (byServer[serverAddr] ?? 0) + 1;
    expect(await this.getStats()).toEqual({
      usersOnline: expected.length,
      devicesOnline: expected.length,
      devicesByPlatform: { ios: expected.length },
      devicesByServer: byServer,
      devicesOnOtherServers: 0,
      partial: false,
    });
    for (const { userId, sessionId, loginTime } of expected) {
      const { online, devices } = await this.getUser(userId);
      expect({ userId, online, devices }).toMatchObject({
        online: true,
        devices: [{ sessionId, loginTime }],
      });
    }
  }

  async expectNobody(userIds: string[]): Promise<void> {
    for (const userId of userIds) expect(await this.getUser(userId)).toMatchObject({ online: false });
    expect(await this.listing()).toEqual(new Map());
    expect(await this.getStats()).toMatchObject({ usersOnline: 0, devicesOnline: 0 });
  }
}

const A = '10.0.0.1:9000';
const B = '10.0.0.2:9000';

describe('a Redis that lost everything', () => {
  let redis: Awaited<ReturnType<typeof ownRedis>>;
  let client: Client;
  let reader: Reader;
  let chatServers: ChatServer[];

  beforeEach(async () => {
    redis = await ownRedis();
    const daemon = await startDaemon({ redis: redis.url });
    client = await clientOf(daemon.addr);
    reader = new Reader(client);
    chatServers = [new ChatServer(client, daemon, A), new ChatServer(client, daemon, B)];
    for (const [i, chatServer] of chatServers.entries()) {
      await chatServer.ready;
      await Promise.all(names(`user-${i}`, 100).map((userId) => chatServer.login(userId)));
    }
  });

  const users = () => chatServers.flatMap(({ held }) => [...held.keys()]);
  const sessions = () => chatServers.map(({ held }) => held.values());

  test('shows everybody as offline after FLUSHALL, until the chat servers have resynced', async () => {
    for (const chatServer of chatServers) chatServer.mustNotResync();
    await redis.admin.flushall();
    await reader.expectNobody(users());
    for (const chatServer of chatServers) chatServer.mayResync();
    await reader.healed(A, B);
    await reader.expectOnline(...sessions());
  });

  test('rejects calls during a restart without persistence, then recovers by resync', async () => {
    for (const chatServer of chatServers) chatServer.mustNotResync();
    await redis.kill();
    const [userId] = users() as [string];
    await expect(client.getUser({ userId })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(client.getStats()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const login = { userId: 'late', deviceId: 'phone', serverAddr: A };
    await expect(client.online(login)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await redis.restart();
    await reader.expectNobody(users());
    for (const chatServer of chatServers) chatServer.mayResync();
    await reader.healed(A, B);
    await reader.expectOnline(...sessions());
  });
});

describe('a fail-over to a replica that missed changes', () => {
  let master: Awaited<ReturnType<typeof ownRedis>>;
  let replica: Awaited<ReturnType<typeof ownRedis>>;
  let proxy: TcpProxy;

  beforeEach(async () => {
    [master, replica] = await Promise.all([ownRedis(), ownRedis()]);
    await master.admin.config('SET', 'repl-diskless-sync-delay', '0');
    await replica.admin.replicaof('127.0.0.1', master.port);
    proxy = await startProxy(master.port);
    disposables.push(() => proxy.close());
  });

  /** Waits until the replica has received all writes of the master. */
  async function replicated(): Promise<void> {
    const offset = async ({ admin }: typeof master) =>
      Number(/master_repl_offset:(\d+)/.exec(await admin.info('replication'))?.[1]);
    const goal = await offset(master);
    await until(async () => {
      const info = await replica.admin.info('replication');
      return info.includes('master_link_status:up') && (await offset(replica)) >= goal;
    }, 'the replica has caught up');
  }

  test('restores the missed changes, and changes nothing else', async () => {
    const daemon = await startDaemon({ redis: `redis://127.0.0.1:${proxy.port}` });
    const client = await clientOf(daemon.addr);
    const reader = new Reader(client);
    const chatServer = new ChatServer(client, daemon, A);
    await chatServer.ready;
    const [kept, missedLogouts, moved] = [names('kept', 100), names('gone', 50), names('moved', 20)];
    await Promise.all([...kept, ...missedLogouts, ...moved].map((userId) => chatServer.login(userId)));
    const untied = { userId: 'untied', deviceId: 'phone', serverAddr: '10.0.0.9:9000', sessionId: 's' };
    const { loginTime } = await answered(() => client.online({ ...untied, platform: 'ios' }));
    const logouts = await Promise.all(names('before', 20).map((userId) => chatServer.login(userId)));
    await Promise.all(logouts.map((_, i) => chatServer.logout(`before-${i}`)));
    const historyBefore = await reader.history('before-0');

    await replicated();
    await replica.admin.replicaof('NO', 'ONE');
    await Promise.all(names('missed', 50).map((userId) => chatServer.login(userId)));
    await Promise.all(missedLogouts.map((userId) => chatServer.logout(userId)));
    await Promise.all(moved.map((userId) => chatServer.logout(userId)));
    await Promise.all(moved.map((userId) => chatServer.login(userId, `second-of-${userId}`)));
    chatServer.mustNotResync();
    proxy.redirect(replica.port);

    await until(async () => (await reader.leaseState(A)) === 'RESYNC', 'the daemon requests a resync');
    expect(await reader.getUser('missed-0')).toMatchObject({ online: false });
    expect(await reader.getUser('gone-0')).toMatchObject({ online: true });
    chatServer.mayResync();
    await reader.healed(A);

    await reader.expectOnline(chatServer.held.values(), [
      { ...untied, platform: 'ios', metadata: {}, loginTime },
    ]);
    for (const userId of missedLogouts) {
      expect(await reader.getUser(userId)).toMatchObject({
        devices: [{ online: false, reason: 'SERVER_LOST', sessionId: `of-${userId}` }],
      });
    }
    for (const userId of moved) {
      expect(await reader.history(userId)).toMatchObject([
        { sessionId: `second-of-${userId}`, endTime: undefined },
        { sessionId: `of-${userId}`, reason: 'REPLACED' },
      ]);
    }
    for (const userId of kept) {
      expect(await reader.history(userId)).toHaveLength(1);
    }
    expect(await reader.history('before-0')).toEqual(historyBefore);
  });
});
