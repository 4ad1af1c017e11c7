import { expect, test } from 'vitest';
import type { Client } from '../../packages/client/src/index.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { checkRules, firingAlerts } from '../support/promtool.ts';
import { startRedis } from '../support/servers.ts';

const http = { addr: '127.0.0.1', port: 0 };

/** Sends many logins at once, as chat servers do; returns how many failed with UNAVAILABLE. */
async function logIn(client: Client, round: number): Promise<number> {
  const logins = Array.from({ length: 40 }, (_, i) =>
    client.online({ userId: `user-${round}-${i}`, deviceId: 'phone', serverAddr: '10.0.0.1:9000' }),
  );
  const settled = await Promise.allSettled(logins);
  for (const { reason } of settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[])
    expect(reason).toMatchObject({ status: 14 });
  return settled.filter(({ status }) => status === 'rejected').length;
}

test('promtool accepts the alerts', () => {
  expect(checkRules()).toBe('');
});

test('ImstateCallsFail fires when Redis dies under client traffic, and not before', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const daemon = await startDaemon({ http, redis: redis.url });
  const client = await clientOf(daemon.addr);
  await logIn(client, 0);
  const atFirst = await scrape(daemon.http);
  expect(await logIn(client, 1)).toBe(0);
  const healthy = await scrape(daemon.http);
  expect(await firingAlerts(atFirst, healthy)).not.toContain('ImstateCallsFail');

  await redis.kill();
  const failed = (await logIn(client, 2)) + (await logIn(client, 3));
  expect(failed).toBeGreaterThan(0);
  const dead = await scrape(daemon.http);
  expect(sumOf(dead, 'imstate_operations_total', { operation: 'online', code: 'UNAVAILABLE' })).toBe(failed);
  // All logins arrived in batches, whose streams did not fail.
  expect(sumOf(dead, 'imstate_calls_total', { code: 'UNAVAILABLE' })).toBe(0);
  expect(await firingAlerts(healthy, dead)).toContain('ImstateCallsFail');
});
