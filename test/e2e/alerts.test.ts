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

test('ImstateServerAddressTaken fires when chat servers fight for an address, not after a restart', async () => {
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  let incarnation = 1;
  let current = client.server({ addr: '10.0.0.1:9000', incarnation, leaseTtlMs: 1_000 });
  await current.ready;
  /** Another process takes the address over, and the one before learns it. */
  const takeOver = async () => {
    incarnation += 1;
    const next = client.server({ addr: '10.0.0.1:9000', incarnation, leaseTtlMs: 1_000 });
    disposables.push(() => next.close());
    await next.ready;
    expect(await current.lost).toMatchObject({ code: 'SUPERSEDED' });
    current = next;
    return scrape(daemon.http);
  };
  const atFirst = await scrape(daemon.http);
  const restarted = await takeOver();
  expect(sumOf(restarted, 'imstate_servers_superseded_total')).toBe(1);
  expect(await firingAlerts(atFirst, restarted)).not.toContain('ImstateServerAddressTaken');
  await takeOver();
  const fought = await takeOver();
  expect(sumOf(fought, 'imstate_servers_superseded_total')).toBe(3);
  expect(await firingAlerts(restarted, fought)).toContain('ImstateServerAddressTaken');
  const warnings = daemon.logged.filter((line) => line.includes('chat server superseded'));
  expect(JSON.parse(warnings[0] as string)).toMatchObject({
    level: 40,
    serverAddr: '10.0.0.1:9000',
    newer: 2,
  });
});
