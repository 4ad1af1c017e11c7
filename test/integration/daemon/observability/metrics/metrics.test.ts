import { readFileSync } from 'node:fs';
import { expect, inject, test } from 'vitest';
import { TokenFile } from '../../../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../../support/disposables.ts';
import { ask } from '../../../../support/http.ts';
import { type LiveFamily, scrape, sumOf } from '../../../../support/metrics.ts';
import { startRedis } from '../../../../support/servers.ts';
import { until } from '../../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const login = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

function callerOf(daemon: TestDaemon, token?: string) {
  const clients = grpcClients(daemon.addr, token);
  disposables.push(() => clients.close());
  return clients;
}

/** A daemon on which everything that is counted has happened. */
async function busyDaemon(): Promise<TestDaemon> {
  const daemon = await startDaemon({ http });
  const { v1 } = callerOf(daemon);
  const watch = v1.watch({ everything: true });
  await until(() => watch.syncs > 0, 'the watch is synced');
  await v1.online(login);
  await until(() => watch.changes.length > 0, 'the watch receives the change');
  await v1.putPolicy({
    policy: {
      name: 'one',
      limits: [{ per: 'POLICY_SCOPE_USER', max: 1, onConflict: 'POLICY_CONFLICT_REJECT' }],
    },
  });
  expect(await v1.online({ ...login, deviceId: 'tablet', policy: 'one' })).toMatchObject({ rejected: true });
  const client = await clientOf(daemon.addr);
  const relay = { name: 'bus', holderId: 'a' };
  const { fence } = await client.claimRelay({ ...relay, holder: 'a', target: 'a target' });
  await client.commitRelay({ ...relay, fence, revision: watch.revision });
  return daemon;
}

test('counts calls and durations by method and status', async () => {
  const daemon = await startDaemon({ http });
  const { v1, pb } = callerOf(daemon);
  await v1.online(login);
  await v1.getUser({ userId: 'alice' });
  await v1.getUser({ userId: 'bob' });
  await expect(v1.getUser({ userId: '' })).rejects.toMatchObject({ code: 3 });
  await pb.query({ UserID: 'alice' });
  const apply = v1.apply();
  await apply.send({ operations: [{ getUser: { userId: 'alice' } }] });
  const open = await scrape(daemon.http);
  const of = (method: string, code: string) => ({ service: 'imstate.v1.PresenceService', method, code });
  expect(sumOf(open, 'imstate_calls_total', of('GetUser', 'OK'))).toBe(2);
  expect(sumOf(open, 'imstate_calls_total', of('GetUser', 'INVALID_ARGUMENT'))).toBe(1);
  expect(sumOf(open, 'imstate_calls_total', { service: 'pb.UserStatus', code: 'OK' })).toBe(1);
  expect(sumOf(open, 'imstate_calls_open', { method: 'Apply' })).toBe(1);
  const duration = 'imstate_call_duration_seconds';
  expect(sumOf(open, `${duration}_count`, of('GetUser', 'OK'))).toBe(2);
  expect(sumOf(open, `${duration}_bucket`, { ...of('GetUser', 'OK'), le: '+Inf' })).toBe(2);
  expect(sumOf(open, `${duration}_sum`, of('GetUser', 'OK'))).toBeGreaterThan(0);

  apply.end();
  await apply.ended;
  const over = await until(async () => {
    const families = await scrape(daemon.http);
    return sumOf(families, 'imstate_calls_open') === 0 && families;
  }, 'no call is open');
  expect(sumOf(over as Map<string, LiveFamily>, 'imstate_calls_total', of('Apply', 'OK'))).toBe(1);
});

test('counts cancelled calls as CANCELLED, and rejected calls', async () => {
  const daemon = await startDaemon({ http, maxWatches: 1 });
  const { v1 } = callerOf(daemon);
  const watch = v1.watch({ everything: true });
  await until(() => watch.syncs > 0, 'the watch is synced');
  expect(await v1.watch({ everything: true }).ended).toMatchObject({ code: 8 });
  watch.cancel();
  const cancelled = { method: 'Watch', code: 'CANCELLED' };
  await until(
    async () => sumOf(await scrape(daemon.http), 'imstate_calls_total', cancelled) === 1,
    'the call is counted',
  );
  const refused = { method: 'Watch', code: 'RESOURCE_EXHAUSTED' };
  expect(sumOf(await scrape(daemon.http), 'imstate_calls_total', refused)).toBe(1);
  expect(sumOf(await scrape(daemon.http), 'imstate_calls_open')).toBe(0);
});

test.each(['embedded', 'redis'])('counts logins and ended sessions by reason: %s', async (kind) => {
  const redis = kind === 'redis' ? inject('redisUrl') : undefined;
  const daemon = await startDaemon({ http, redis });
  const { v1 } = callerOf(daemon);
  const countOf = async (reason: string) =>
    sumOf(await scrape(daemon.http), 'imstate_transitions_total', { reason });

  await v1.online(login);
  await v1.online(login);
  await v1.offline({ userId: 'alice', deviceId: 'phone' });
  await v1.offline({ userId: 'alice', deviceId: 'phone' });
  await v1.online({ ...login, deviceId: 'web' });
  await v1.evict({ userId: 'alice' });
  const apply = v1.apply();
  await apply.send({ operations: [{ online: { ...login, timeToLive: { seconds: 1 } } }] });
  apply.end();
  await until(async () => (await countOf('EXPIRED')) === 1, 'the sweep has ended the session');

  const lease = v1.keepServerAlive();
  await lease.send({ serverAddr: '10.0.0.2:9000', incarnation: 1, timeToLive: { seconds: 1 } });
  await v1.online({ ...login, serverAddr: '10.0.0.2:9000', serverIncarnation: 1 });
  lease.cancel();
  await until(async () => (await countOf('SERVER_LOST')) === 1, 'the lease is lost');

  expect(await countOf('LOGIN')).toBe(5);
  expect(await countOf('REPLACED')).toBe(1);
  expect(await countOf('LOGOUT')).toBe(1);
  expect(await countOf('EVICTED')).toBe(1);
});

test('exports online counts, watches, store and registry', async () => {
  const daemon = await busyDaemon();
  const families = await scrape(daemon.http);
  expect(sumOf(families, 'imstate_users_online')).toBe(1);
  expect(sumOf(families, 'imstate_sessions_online')).toBe(1);
  expect(sumOf(families, 'imstate_watchers')).toBe(1);
  expect(sumOf(families, 'imstate_watch_events_total', { outcome: 'sent' })).toBe(1);
  expect(sumOf(families, 'imstate_watch_lag_seconds_count')).toBe(1);
  expect(sumOf(families, 'imstate_watch_events_dropped_total')).toBe(0);
  expect(sumOf(families, 'imstate_registered')).toBe(1);
  expect(sumOf(families, 'imstate_store_up')).toBe(1);
  expect(sumOf(families, 'imstate_store_step_seconds_count', { outcome: 'ok' })).toBeGreaterThan(0);
  expect(sumOf(families, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
});

test('accounts for all changes of watches that wait, coalesce or end', async () => {
  const daemon = await startDaemon({ http });
  const { v1 } = callerOf(daemon);
  const watch = v1.watch({ everything: true, coalesce: true });
  await until(() => watch.syncs > 0, 'the watch is synced');
  watch.pause();
  const apply = v1.apply();
  const metadata = { text: 'x'.repeat(1_000) };
  const operations = Array.from({ length: 500 }, (_, i) => ({
    online: { ...login, platform: `p${i % 20}`, deviceId: `d${i % 200}`, metadata },
  }));
  const of = async (name: string, labels = {}) => sumOf(await scrape(daemon.http), name, labels);
  const waiting = () => of('imstate_watch_events_waiting');
  await until(async () => {
    await apply.send({ operations });
    const before = await waiting();
    const isStuck = before > 0 && (await waiting()) === before;
    return isStuck && (await of('imstate_watch_events_total', { outcome: 'coalesced' })) > 0;
  }, 'changes are coalesced, and wait for the reader');
  expect(await of('imstate_watch_events_dropped_total')).toBe(0);
  watch.cancel();
  await until(async () => (await of('imstate_watchers')) === 0, 'the watch is over');
  expect(await of('imstate_watch_events_total', { outcome: 'left' })).toBeGreaterThan(0);
  expect(await of('imstate_watch_events_dropped_total')).toBe(0);
  apply.end();
});

test('reports the store as down and omits online counts while Redis does not respond', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const daemon = await startDaemon({ http, redis: redis.url });
  const { v1 } = callerOf(daemon);
  await v1.online(login);
  redis.freeze();
  disposables.push(() => redis.thaw());
  const down = (await until(async () => {
    const families = await scrape(daemon.http);
    return sumOf(families, 'imstate_store_up') === 0 && families;
  }, 'the store is down')) as Map<string, LiveFamily>;
  expect(down.get('imstate_sessions_online')?.samples).toEqual([]);
  await expect(v1.online(login)).rejects.toMatchObject({ code: 14 });
  const families = await scrape(daemon.http);
  expect(sumOf(families, 'imstate_calls_total', { method: 'Online', code: 'UNAVAILABLE' })).toBe(1);
  expect(sumOf(families, 'imstate_registered')).toBe(1);
});

test('requires a reader for metrics, and an admin for the log level', async () => {
  const file = await TokenFile.make();
  const { http: url } = await startDaemon({ http, auth: { tokens: file.path } });
  const as = (path: string, role?: string) =>
    ask(`${url}${path}`, role ? { headers: { authorization: `Bearer ${file.tokens[role]}` } } : {});
  const anonymous = await as('/metrics');
  expect(anonymous).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
  expect(JSON.parse(anonymous.text).error.code).toBe('UNAUTHENTICATED');
  expect((await as('/metrics', 'reader')).status).toBe(200);
  const writer = await as('/admin/log-level', 'writer');
  expect(writer.status).toBe(403);
  expect(JSON.parse(writer.text).error.message).toContain('needs the role admin');
  expect((await as('/admin/log-level', 'admin')).status).toBe(200);
  expect((await as('/healthz')).status).toBe(200);
});

test('lists exactly the metrics of the code in docs/metrics.md', async () => {
  const live = [...(await scrape((await busyDaemon()).http))].map(([name, family]) => {
    const labels = new Set(family.samples.flatMap((sample) => Object.keys(sample.labels)));
    labels.delete('le');
    return [name, family.type, [...labels].sort()];
  });
  const page = readFileSync('docs/metrics.md', 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \| ([^|]*)\| ([^|]*)\| ([^|]+)\|$/gm)];
  const documented = rows.map(([, name, type, labels = '']) => [
    name,
    type,
    [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort(),
  ]);
  expect(documented).toEqual(live);
});

const dashboard = JSON.parse(readFileSync('deploy/grafana.json', 'utf8'));
const panels: { title: string; targets?: { expr: string }[] }[] = dashboard.panels;
const alerts = [...readFileSync('deploy/alerts.yaml', 'utf8').matchAll(/alert: (\w+)\n +expr: (.+)\n/g)];
const expressions = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel "${title}"`, expr])),
  ...alerts.map(([, name, expr]) => [`alert ${name}`, expr]),
] as [string, string][];

test('uses exactly the metrics and labels of a daemon in deploy/', async () => {
  const families = await scrape((await busyDaemon()).http);
  const labels = new Map<string, Set<string>>([['up', new Set(['job'])]]);
  for (const { samples } of families.values()) {
    for (const sample of samples) {
      const known = labels.get(sample.name) ?? new Set(['instance']);
      for (const label of Object.keys(sample.labels)) known.add(label);
      labels.set(sample.name, known);
    }
  }
  expect(alerts.length).toBe(readFileSync('deploy/alerts.yaml', 'utf8').match(/alert:/g)?.length);
  const used = new Set<string>();
  for (const [where, expr] of expressions) {
    const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(', '));
    const selectors = [...expr.matchAll(/\b(up|imstate_\w+|process_\w+|nodejs_\w+)(?:\{([^}]*)\})?/g)];
    expect(selectors.length, where).toBeGreaterThan(0);
    for (const [, name = '', matchers = ''] of selectors) {
      used.add(name.replace(/_bucket$/, ''));
      expect([where, name, labels.has(name)]).toEqual([where, name, true]);
      const matched = [...matchers.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label]) => label as string);
      for (const label of [...matched, ...grouped]) {
        expect([where, name, label, labels.get(name)?.has(label)]).toEqual([where, name, label, true]);
      }
    }
  }
  const missing = [...families.keys()].filter((name) => !used.has(name));
  expect(missing).toEqual(['process_start_time_seconds']);
});
