import { expect, test } from 'vitest';
import { probeEndpoint } from '../../packages/client/src/connection/probe.ts';
import { clientOf, startDaemon } from '../support/disposables.ts';
import { ask } from '../support/http.ts';
import { startPartialCluster, victims } from '../support/partialCluster.ts';
import { until } from '../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };

test.for([
  { away: 'layout', by: 'freeze' },
  { away: 'other', by: 'freeze' },
  { away: 'layout', by: 'kill' },
  { away: 'other', by: 'kill' },
] as const)(
  'readiness depends on the share of available shards, not on the master ($by, $away)',
  async ({ away, by }) => {
    const { url: redis, masters } = await startPartialCluster();
    const victim = victims(masters)[away];
    const lenient = await startDaemon({ http, redis, keyPrefix: 'im:' });
    const strict = await startDaemon({ http, redis, keyPrefix: 'im:', readyShards: 100 });
    await victim.node[by]();

    const names = `${victim.shards.length} of 16 shards of the store do not answer: ${victim.shards.join(', ')}`;
    const readyz = () => ask(`${lenient.http}/readyz`);
    await until(async () => (await readyz()).text !== 'ready\n', 'the daemon reports unavailable shards');
    expect(await readyz()).toMatchObject({ status: 200, text: `ready, but ${names}\n` });
    expect((await ask(`${lenient.http}/healthz`)).text).toBe(`alive, but ${names}\n`);
    expect((await ask(`${lenient.http}/metrics`)).text).toContain(
      `imstate_store_shards_unavailable ${victim.shards.length}\n`,
    );
    expect(await probeEndpoint(lenient.addr, { timeoutMs: 30_000 })).toMatchObject({ health: 'SERVING' });
    const isStrictUnready = async () => (await ask(`${strict.http}/readyz`)).status === 503;
    await until(isStrictUnready, 'a daemon that needs all shards is not ready');
    expect((await ask(`${strict.http}/readyz`)).text).toBe(
      `not ready: ${names}, and 100 % must (--ready-shards)\n`,
    );
    expect(await probeEndpoint(strict.addr, { timeoutMs: 30_000 })).toMatchObject({ health: 'NOT_SERVING' });

    const client = await clientOf(lenient.addr);
    const alive = masters.find((each) => each !== victim) as (typeof masters)[number];
    const userId = alive.user(0);
    await client.online({ userId, deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
    expect(await client.getUser({ userId })).toMatchObject({ online: true });
    await expect(client.getUsers([userId, victim.user(0), victim.user(1)])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/^2 of 3 users cannot be read: shard \d+ of the store does not answer/),
    });

    if (by === 'freeze') victim.node.thaw();
    else await victim.node.restart();
    for (const { http: url } of [lenient, strict])
      await until(async () => (await ask(`${url}/readyz`)).text === 'ready\n', 'all shards respond again');
    await client.online({ userId: victim.user(0), deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  },
);

test('a daemon is not ready while fewer than half of the shards respond', async () => {
  const { url: redis, masters } = await startPartialCluster();
  const daemon = await startDaemon({ http, redis, keyPrefix: 'im:' });
  for (const { node } of masters.slice(1)) node.freeze();
  const statusOf = async () => (await ask(`${daemon.http}/readyz`)).status;
  await until(async () => (await statusOf()) === 503, 'the daemon is not ready');
  for (const { node } of masters.slice(1)) node.thaw();
  await until(async () => (await statusOf()) === 200, 'the daemon is ready again');
});
