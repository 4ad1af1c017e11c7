import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { type Client, connect, type WatchEvent } from '../../packages/client/src/index.ts';
import { startCluster } from '../support/cluster.ts';
import { startTestDaemon } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { until } from '../support/until.ts';

const SERVER = '10.0.0.1:9000';
const USERS = Array.from({ length: 300 }, (_, i) => `user-${i}`);

test('loses no session when a replica takes over from a killed master', async () => {
  const cluster = await startCluster(3, 3);
  disposables.push(() => cluster.stop());
  const daemons = await Promise.all(
    [1, 2].map(() => startTestDaemon({ redis: cluster.url, keyPrefix: 'im:' })),
  );
  for (const daemon of daemons) disposables.push(() => daemon.remove());
  const client = await connect({ endpoints: daemons.map(({ addr }) => addr), timeoutMs: 30_000 });
  disposables.push(() => client.close());
  const online = new Map<string, boolean>();
  void follow(client, online);
  const server = client.server({ addr: SERVER, leaseTtlMs: 10_000 });
  disposables.push(() => server.close());
  await server.ready;
  const logins = await Promise.all(USERS.map((userId) => server.online({ userId, deviceId: 'phone' })));
  await replicated(cluster.nodes.map(({ port }) => port));

  await cluster.nodes[0]?.kill();
  const late = await Promise.all(USERS.map((userId) => server.online({ userId, deviceId: 'tablet' })));
  expect(late.every(({ endReason }) => endReason === undefined)).toBe(true);
  const leaseState = async () => (await client.listServers()).servers[0]?.lease?.state;
  await until(async () => (await leaseState().catch(() => undefined)) === 'ALIVE', 'the lease is alive');
  const users = await client.getUsers(USERS);
  const sessionsOf = (i: number) => [logins[i]?.sessionId, late[i]?.sessionId].sort();
  for (const [i, { devices }] of users.entries()) {
    expect(
      devices
        .filter(({ online }) => online)
        .map(({ sessionId }) => sessionId)
        .sort(),
    ).toEqual(sessionsOf(i));
  }
  expect(await client.getStats()).toMatchObject({ usersOnline: 300, devicesOnline: 600 });
  await until(() => online.size === 600, 'the watch has received all logins');
});

/** Collects the online devices from a watch of all users. */
async function follow(client: Client, online: Map<string, boolean>): Promise<void> {
  const note = (event: WatchEvent) => {
    if (event.type === 'lost') online.clear();
    if (event.type === 'change' && event.online) online.set(`${event.userId}/${event.deviceId}`, true);
    if (event.type === 'snapshot') {
      for (const { deviceId } of event.devices) online.set(`${event.userId}/${deviceId}`, true);
    }
  };
  for await (const event of client.watch({ everything: true })) note(event);
}

/** Waits until each replica has received all writes of its master. */
async function replicated(ports: number[]): Promise<void> {
  for (const port of ports) {
    const node = new Redis(port);
    const offsets = async () => {
      const info = await node.info('replication');
      const [, written] = /master_repl_offset:(\d+)/.exec(info) as RegExpExecArray;
      return { isMaster: info.includes('role:master'), written, had: /,offset=(\d+)/.exec(info)?.[1] };
    };
    const { isMaster, written } = await offsets();
    if (isMaster)
      await until(async () => Number((await offsets()).had) >= Number(written), 'a replica has caught up');
    node.disconnect();
  }
}
