import { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { readAuditRecord } from '../../../../packages/client/src/calls/audit.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { scrape, sumOf } from '../../../support/metrics.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json' };

let redis: Awaited<ReturnType<typeof startRedis>>;
let daemon: TestDaemon;
let v1: ReturnType<typeof grpcClients>['v1'];

beforeEach(async () => {
  redis = await startRedis('--appendonly', 'yes');
  disposables.push(() => redis.stop());
  disposables.push(() => redis.thaw());
  daemon = await startDaemon({ redis: redis.url, http });
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  v1 = clients.v1;
});

/** Sets a setting of Redis. */
async function configure(name: string, value: string): Promise<void> {
  const client = new Redis(redis.url);
  await client.config('SET', name, value);
  client.disconnect();
}

function setLevel(level: string) {
  const options = { method: 'POST', headers: json, body: JSON.stringify({ level }) };
  return ask(`${daemon.http}/admin/log-level`, options);
}

/** The audit trail, the first first; undefined while it cannot be read. */
const trail = () =>
  v1.listAudit().then(
    ({ records }) => records.map(readAuditRecord).reverse(),
    () => undefined,
  );
const linesWith = (msg: string) =>
  daemon.logged.map((line) => JSON.parse(line)).filter((line) => line.msg === msg);

test.each(['kill', 'freeze'] as const)(
  '%s of Redis: the line is written, and the record once Redis is back',
  async (how) => {
    await v1.evict({ userId: 'before' });
    await redis[how]();
    await expect(v1.evict({ userId: 'alice' })).rejects.toMatchObject({ code: 14 });
    expect(linesWith('administrative act')).toMatchObject([
      { outcome: 'OK', target: { userId: 'before' } },
      { outcome: 'FAILED', code: 'STORE_UNAVAILABLE', target: { userId: 'alice' } },
    ]);
    if (how === 'kill') await redis.restart();
    else redis.thaw();
    await until(async () => (await trail())?.length === 2, 'the record is there');
    await v1.evict({ userId: 'after' });
    expect((await trail())?.map(({ target, outcome }) => [target.userId, outcome])).toEqual([
      ['before', 'OK'],
      ['alice', 'FAILED'],
      ['after', 'OK'],
    ]);
    expect(sumOf(await scrape(daemon.http), 'imstate_audit_write_failures_total')).toBe(0);
  },
);

test('records an act in a Redis that is full', async () => {
  await configure('maxmemory', '1');
  await expect(
    v1.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' }),
  ).rejects.toMatchObject({
    details: expect.stringContaining('OOM'),
  });
  expect((await setLevel('info')).status).toBe(200);
  expect(await trail()).toMatchObject([{ action: 'set_log_level', outcome: 'OK' }]);
});

test('an act succeeds although its record cannot be stored, which is counted', async () => {
  await configure('min-replicas-to-write', '1');
  expect((await setLevel('info')).status).toBe(200);
  expect(linesWith('administrative act')).toMatchObject([{ action: 'set_log_level', outcome: 'OK' }]);
  const failures = async () => sumOf(await scrape(daemon.http), 'imstate_audit_write_failures_total');
  await until(async () => (await failures()) === 1, 'the failure is counted');
  const [act] = linesWith('administrative act');
  expect(linesWith('audit record could not be stored')).toMatchObject([
    { level: 50, id: act?.id, reason: expect.stringContaining('NOREPLICAS') },
  ]);
  expect(await trail()).toEqual([]);
});

test('a stopping daemon gives a record that waits one more attempt', async () => {
  await configure('min-replicas-to-write', '1');
  expect((await setLevel('info')).status).toBe(200);
  await configure('min-replicas-to-write', '0');
  await daemon.stop();
  const client = new Redis(redis.url);
  disposables.push(() => client.disconnect());
  const [key = ''] = await client.keys('*audit');
  expect(await client.llen(key)).toBe(1);
});
