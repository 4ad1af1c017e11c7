import { expect, test, vi } from 'vitest';
import { clientOf, disposables } from '../../support/disposables.ts';
import { runFirstVersion } from '../../support/firstVersion.ts';
import { until } from '../../support/until.ts';
import { stop, Versions } from './versions.ts';

// Several daemons start in each test.
vi.setConfig({ testTimeout: 180_000 });

const SERVER = '10.0.0.1:9000';

test('a drain lasts beside a daemon of version 0.1.0, which ignores it', async () => {
  const versions = new Versions();
  const old = await versions.startOld();
  const upgraded = await versions.startNew();
  const [toOld, toNew] = [await clientOf(old.addr), await clientOf(upgraded.addr)];
  const asked: string[] = [];
  const server = toOld.server({ addr: SERVER, onDrain: ({ sessionId }) => asked.push(sessionId) });
  disposables.push(() => server.close());
  await server.ready;
  for (const userId of ['alice', 'bob'])
    await server.online({ userId, deviceId: 'phone', sessionId: userId });

  await expect(toOld.drainServer({ serverAddr: SERVER })).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  await toNew.drainServer({ serverAddr: SERVER, overMs: 3_600_000 });
  const leaseOf = async () =>
    (await toNew.listServers()).servers.find(({ serverAddr }) => serverAddr === SERVER)?.lease;
  const first = await leaseOf();
  expect(first?.state).toBe('DRAINING');
  // The old daemon keeps the lease alive, writes it, and keeps the drain in it.
  await until(async () => Number((await leaseOf())?.expireTime) > Number(first?.expireTime), 'it is renewed');
  expect(await leaseOf()).toMatchObject({ state: 'DRAINING', drainDeadline: first?.drainDeadline });
  expect([asked, server.draining]).toEqual([[], undefined]);

  await toOld.offline({ userId: 'alice', deviceId: 'phone' });
  expect((await toNew.getUser({ userId: 'alice' })).online).toBe(false);
  await toNew.offline({ userId: 'bob', deviceId: 'phone' });
  for (const client of [toOld, toNew]) expect((await client.getUser({ userId: 'bob' })).online).toBe(true);

  // Its command line does not know the state.
  const { stdout, exitCode } = await runFirstVersion('servers', '--endpoint', upgraded.addr);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(SERVER)]);
  await stop(old);
});
