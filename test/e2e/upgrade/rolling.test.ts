import { expect, test } from 'vitest';
import type { EndedSession } from '../../../packages/client/src/index.ts';
import { disposables } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';
import { Traffic } from './traffic.ts';
import { stop, Versions } from './versions.ts';

const LIMIT_MS = 180_000;

/** Traffic of a client that finds the daemons in etcd, and a chat server with a short lease and one session. */
async function startTraffic(versions: Versions) {
  const client = await versions.client();
  const ended: EndedSession[] = [];
  const server = client.server({
    addr: '10.0.0.2:9000',
    leaseTtlMs: 3_000,
    onEnded: (session) => ended.push(session),
  });
  disposables.push(() => server.close());
  await server.ready;
  await server.online({ userId: 'alice', deviceId: 'phone', sessionId: 'of-alice' });
  const traffic = new Traffic(client);
  await traffic.proceed(100);
  return {
    traffic,
    /** Ends the traffic, and expects that nothing was lost or wrong. */
    async end(): Promise<void> {
      await traffic.stop();
      await traffic.check();
      expect(traffic.faults).toEqual([]);
      expect(ended).toEqual([]);
      expect(await client.getUser({ userId: 'alice' })).toMatchObject({
        online: true,
        devices: [{ sessionId: 'of-alice', serverAddr: '10.0.0.2:9000' }],
      });
      expect((await client.listHistory({ userId: 'alice' })).entries).toHaveLength(1);
    },
  };
}

test(
  'a rolling upgrade under load fails no call, loses no session and no change',
  async () => {
    const versions = new Versions();
    const old = [await versions.startOld(), await versions.startOld()] as const;
    const { traffic, end } = await startTraffic(versions);

    const first = await versions.startNew();
    await traffic.proceed(100);
    await stop(old[0]);
    await traffic.proceed(100);
    const early = await versions.run('upgrade', 'finish', '--yes');
    expect(early).toMatchObject({ exitCode: 2, stdout: '' });
    expect(early.stderr).toContain(
      `${old[1].addr} is imstate 0.1.0, which supports feature levels up to 1): upgrade or stop`,
    );
    expect(await versions.storedLevel()).toBe('1');
    const second = await versions.startNew();
    await stop(old[1]);
    await traffic.proceed(100);

    expect(await versions.run('upgrade', 'finish', '--yes')).toMatchObject({
      exitCode: 0,
      stdout: 'the feature level was raised from 1 to 2\n',
    });
    expect(await versions.storedLevel()).toBe('2');
    for (const daemon of [first, second])
      await until(() => daemon.stderr().includes('feature level changed'), 'each daemon has seen it');
    await traffic.proceed(100);
    await end();
  },
  LIMIT_MS,
);

test(
  'a rolling downgrade under load fails no call, loses no session and no change',
  async () => {
    const versions = new Versions();
    const old = await versions.startOld();
    const upgraded = [await versions.startNew(), await versions.startNew()];
    await stop(old);
    const { traffic, end } = await startTraffic(versions);
    for (const daemon of upgraded) {
      await versions.startOld();
      await traffic.proceed(100);
      await stop(daemon);
      await traffic.proceed(100);
    }
    await end();
    expect(await versions.storedLevel()).toBe('1');
  },
  LIMIT_MS,
);
