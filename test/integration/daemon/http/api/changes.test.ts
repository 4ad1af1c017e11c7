import { beforeEach, expect, test } from 'vitest';
import type { Client } from '../../../../../packages/client/src/index.ts';
import { LIMITS } from '../../../../../src/presence/limits.ts';
import { TokenFile } from '../../../../support/credentials.ts';
import type { TestDaemon } from '../../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../../support/disposables.ts';
import { ask } from '../../../../support/http.ts';
import { scrape } from '../../../../support/metrics.ts';
import { startRedis } from '../../../../support/servers.ts';
import { until } from '../../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const SERVER = '10.0.0.1:9000';
const LEASE = `servers/${SERVER}/lease`;
const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: SERVER };
const SESSION = { userId: 'alice', deviceId: 'phone', sessionId: 's-1' };

let daemon: TestDaemon;
let client: Client;

beforeEach(async () => {
  daemon = await startDaemon({ http });
  client = await clientOf(daemon.addr);
});

/** Sends a body as JSON; the response with its JSON. */
async function send(
  path: string,
  body: unknown,
  { method = 'POST', url = daemon.http, token }: { method?: string; url?: string; token?: string } = {},
) {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await ask(`${url}/api/v1/${path}`, { method, headers, body: text });
  return { status: answer.status, json: JSON.parse(answer.text) };
}

const keepAlive = (body: object, path = LEASE) => send(path, body, { method: 'PUT' });

test('logs devices in and out with everything that a login may carry', async () => {
  const details = { clientIp: '203.0.113.7', label: "Anna's phone", appVersion: '4.2.1' };
  const metadata = { theme: 'dark' };
  const first = await send('online', {
    ...LOGIN,
    ...details,
    sessionId: 's-1',
    platform: 'ios',
    ttlMs: 60_000,
    metadata,
    policy: null,
  });
  expect(first).toMatchObject({
    status: 200,
    json: { sessionId: 's-1', replaced: [], endReason: null, rejected: false, detailsStored: true },
  });
  const { devices } = await client.getUser({ userId: 'alice', explain: true });
  expect(devices).toMatchObject([
    { ...details, platform: 'ios', metadata, explanation: { ttlMs: 60_000 }, online: true },
  ]);
  const second = await send('online', { ...LOGIN, sessionId: 's-2' });
  expect(second.json.replaced).toMatchObject([{ deviceId: 'phone', sessionId: 's-1', reason: 'REPLACED' }]);
  // A repeat of the first login comes too late.
  expect((await send('online', { ...LOGIN, sessionId: 's-1' })).json).toMatchObject({
    endReason: 'REPLACED',
  });
  const logout = { userId: 'alice', deviceId: 'phone' };
  expect((await send('offline', { ...logout, sessionId: 's-1' })).json.applied).toBe(false);
  expect((await send('offline', { ...logout, sessionId: 's-2', graceMs: 60_000 })).json.applied).toBe(true);
  expect((await client.getUser({ userId: 'alice' })).online).toBe(true);
  expect((await send('offline', logout)).json).toEqual({ ...logout, applied: true });
  expect((await client.getUser({ userId: 'alice' })).online).toBe(false);
});

test('applies session policies', async () => {
  const limits = [{ per: 'user', max: 1, onConflict: 'REJECT' }] as const;
  await client.putPolicy({ name: 'one', limits });
  expect((await send('online', { ...LOGIN, policy: 'one' })).json).toMatchObject({
    policy: 'one',
    rejected: false,
  });
  expect((await send('online', { ...LOGIN, deviceId: 'web', policy: 'one' })).json).toMatchObject({
    rejected: true,
    loginTime: null,
    endReason: 'REJECTED',
    conflicts: [{ deviceId: 'phone' }],
    limit: limits[0],
  });
});

test('keeps a lease, requests a resync, and rejects an older incarnation', async () => {
  const begun = await keepAlive({ incarnation: 5, ttlMs: 20_000 });
  expect(begun).toMatchObject({
    status: 200,
    json: { serverAddr: SERVER, incarnation: 5, ttlMs: 20_000, resync: true, partial: false },
  });
  const login = { ...LOGIN, sessionId: 's-1', serverIncarnation: 5, loginTime: '2026-01-31T12:00:00.000Z' };
  expect((await send('online', login)).json).toMatchObject({ loginTime: login.loginTime });
  const { json } = await keepAlive({ incarnation: 5, resynced: begun.json.resyncToken });
  expect(json).toMatchObject({ ttlMs: 10_000, resync: false, resyncToken: null });
  expect((await client.listServers()).servers).toMatchObject([
    { serverAddr: SERVER, lease: { state: 'ALIVE', incarnation: 5 } },
  ]);
  expect((await client.getUser({ userId: 'alice' })).online).toBe(true);
  expect(await keepAlive({ incarnation: 4 })).toMatchObject({
    status: 400,
    json: {
      error: { code: 'SUPERSEDED', message: expect.stringMatching(/^incarnation 5 .* supersedes 4, /) },
    },
  });
  const ipv6 = await keepAlive(
    { incarnation: 1 },
    `servers/${encodeURIComponent('[2001:db8::1]:9000')}/lease`,
  );
  expect(ipv6.json.serverAddr).toBe('[2001:db8::1]:9000');
});

test('drains a chat server, which its keep-alives say', async () => {
  const unknown = await send('drain', { serverAddr: SERVER });
  expect([unknown.status, unknown.json.error.code, unknown.json.error.field]).toEqual([
    404,
    'NOT_FOUND',
    undefined,
  ]);
  expect((await keepAlive({ incarnation: 1 })).json.drain).toBeNull();
  await send('online', LOGIN);
  expect((await send('drain', { serverAddr: SERVER, overMs: 10_000, graceMs: 5_000 })).json).toMatchObject({
    serverAddr: SERVER,
    sessions: 1,
    partial: false,
  });
  const { drain } = (await keepAlive({ incarnation: 1 })).json;
  expect(drain).toMatchObject({ sessionsPerSecond: 1 });
  expect(drain.remainingMs).toBeGreaterThan(0);
  expect((await send('offline', { userId: 'alice', deviceId: 'phone' })).json.applied).toBe(true);
  expect((await client.getUser({ userId: 'alice' })).online).toBe(true);
  expect((await send('drain', { serverAddr: SERVER, cancel: true })).json.deadline).toBeNull();
  expect((await keepAlive({ incarnation: 1 })).json.drain).toBeNull();
});

test('renews sessions, and returns those that ended', async () => {
  await send('online', { ...LOGIN, sessionId: 's-1', ttlMs: 60_000 });
  const other = { userId: 'bob', deviceId: 'web', sessionId: 's-9' };
  expect((await send('heartbeat', { sessions: [SESSION, other] })).json).toEqual({
    ended: [{ ...other, reason: null, reasonText: null }],
  });
  await client.evict({ session: SESSION, reasonText: 'stolen' });
  expect((await send('heartbeat', { sessions: [SESSION] })).json).toEqual({
    ended: [{ ...SESSION, reason: 'EVICTED', reasonText: 'stolen' }],
  });
});

test('accepts batches of 1,000 with the longest ids, and counts each operation', async () => {
  const long = (i: number) => `${i}`.padEnd(256, '-');
  const ids = Array.from({ length: 1_000 }, (_, i) => long(i));
  expect((await send('route', { userIds: ids })).json.offline).toEqual(ids);
  const sessions = ids.map((userId) => ({ userId, deviceId: userId, sessionId: userId }));
  expect((await send('heartbeat', { sessions })).json.ended).toHaveLength(1_000);
  const samples = (await scrape(daemon.http)).get('imstate_operations_total')?.samples ?? [];
  const counts = samples.map(({ labels, value }) => [labels.operation, labels.code, value]);
  expect(counts).toEqual(
    expect.arrayContaining([
      ['route', 'OK', 1_000],
      ['heartbeat', 'OK', 1_000],
    ]),
  );
});

test.each<[path: string, body: unknown, field: string | undefined, message: string]>([
  ['online', '', undefined, 'the body must be a JSON object, such as {"userId":"alice"'],
  ['online', '[]', undefined, 'the body must be a JSON object'],
  ['online', '{"userId":"a"', undefined, 'the body must be a JSON object'],
  ['online', { ...LOGIN, ttl: 1 }, 'ttl', '"ttl" is not a key of the body: use userId, deviceId, serverAddr'],
  ['online', { ...LOGIN, __proto__x: 1 }, '__proto__x', 'is not a key of the body'],
  ['online', {}, 'userId', 'userId must not be empty'],
  ['online', { ...LOGIN, userId: 7 }, 'userId', 'userId must be a string'],
  ['online', { ...LOGIN, serverAddr: 'nowhere' }, 'serverAddr', 'serverAddr must be HOST:PORT'],
  ['online', { ...LOGIN, sessionId: '' }, 'sessionId', 'sessionId must not be empty'],
  ['online', { ...LOGIN, ttlMs: 1 }, 'ttlMs', 'ttlMs must be from 1 s to 2592000 s; this one is 0.001 s'],
  ['online', { ...LOGIN, ttlMs: '60' }, 'ttlMs', 'ttlMs must be an integer of at least 0'],
  ['online', { ...LOGIN, ttlMs: 1.5 }, 'ttlMs', 'ttlMs must be an integer of at least 0'],
  ['online', { ...LOGIN, metadata: [] }, 'metadata', 'metadata must be an object of strings'],
  ['online', { ...LOGIN, metadata: { a: 1 } }, 'metadata', 'metadata must be an object of strings'],
  ['online', { ...LOGIN, policy: 'no-such' }, 'policy', 'policy'],
  [
    'online',
    { ...LOGIN, loginTime: 'today', sessionId: 's' },
    'loginTime',
    'loginTime must be a time such as',
  ],
  ['online', { ...LOGIN, loginTime: '2026-01-31T12:00:00Z' }, 'sessionId', 'sessionId must be given'],
  ['online', { ...LOGIN, clientIp: 'home' }, 'clientIp', 'clientIp must be an IPv4 or IPv6 address'],
  ['online', { ...LOGIN, serverIncarnation: 2 ** 48 }, 'serverIncarnation', 'serverIncarnation must be from'],
  ['online', { ...LOGIN, policy: 'REPLACE_SAME_PLATFORM' }, 'platform', 'platform must be given'],
  ['offline', { userId: 'alice' }, 'deviceId', 'deviceId must not be empty'],
  ['offline', { ...SESSION, sessionId: '' }, 'sessionId', 'sessionId must not be empty'],
  ['offline', { ...SESSION, graceMs: 3_600_001 }, 'graceMs', 'graceMs must be from 0 s to 3600 s'],
  ['offline', { ...SESSION, graceMs: -1 }, 'graceMs', 'graceMs must be an integer of at least 0'],
  ['heartbeat', {}, 'sessions', 'sessions must be 1 to 1,000: name at least one'],
  [
    'heartbeat',
    `{"sessions":[${'{},'.repeat(300_000)}{}]}`,
    'sessions',
    'sessions must be at most 1,000; these are 300001',
  ],
  ['heartbeat', { sessions: {} }, 'sessions', 'sessions must be an array of objects'],
  ['heartbeat', { sessions: [SESSION, 7] }, 'sessions[1]', 'sessions[1] must be an object'],
  [
    'heartbeat',
    { sessions: [SESSION, { ...SESSION, deviceId: 'x'.repeat(257) }] },
    'sessions[1].deviceId',
    'sessions[1].deviceId must be at most 256 bytes',
  ],
  [
    'heartbeat',
    { sessions: [{ ...SESSION, session: 's' }] },
    'session',
    '"session" is not a key of sessions[0]: use userId, deviceId, sessionId',
  ],
  ['heartbeat', { sessions: [{ ...SESSION, userId: '' }] }, 'sessions[0].userId', 'must not be empty'],
  ['route', {}, 'userIds', 'userIds must be 1 to 1,000: name at least one'],
  ['route', { userIds: 'alice' }, 'userIds', 'userIds must be an array of strings'],
  ['route', { userIds: ['alice', ''] }, 'userIds[1]', 'userIds[1] must not be empty'],
  ['drain', {}, 'serverAddr', 'serverAddr must not be empty'],
  ['drain', { serverAddr: SERVER, overMs: 3_600_001 }, 'overMs', 'overMs must be from 0 s to 3600 s'],
  ['drain', { serverAddr: SERVER, cancel: 'yes' }, 'cancel', 'cancel must be true or false'],
  [LEASE, {}, 'incarnation', 'incarnation must be from 1 to 2^48 - 1'],
  [LEASE, { incarnation: 1, ttlMs: 999 }, 'ttlMs', 'ttlMs must be from 1 s to 3600 s'],
  [LEASE, { incarnation: 1, resynced: 7 }, 'resynced', 'resynced must be a string'],
  ['servers/nowhere/lease', { incarnation: 1 }, 'serverAddr', 'serverAddr must be HOST:PORT'],
])('rejects %s with %j, and names the key', async (path, body, field, message) => {
  const { status, json } = await send(path, body, { method: path.endsWith('lease') ? 'PUT' : 'POST' });
  expect([status, json.error.code, json.error.field]).toEqual([400, 'INVALID_ARGUMENT', field]);
  expect(json.error.message).toContain(message);
  expect((await client.getStats()).devicesOnline).toBe(0);
  expect((await client.listServers()).servers).toEqual([]);
});

test('rejects a body that is too large, another type, and another method', async () => {
  const userIds = Array.from({ length: 3_000 }, () => 'x'.repeat(400));
  expect((await send('route', { userIds })).json.error.message).toBe(
    'the body must be at most 1048576 bytes',
  );
  const metadata = { a: 'x'.repeat(LIMITS.httpBody.max) };
  expect((await send('online', { ...LOGIN, metadata })).json.error.message).toBe(
    'the body must be at most 65536 bytes',
  );
  const plain = await ask(`${daemon.http}/api/v1/${LEASE}`, {
    method: 'PUT',
    headers: { 'content-type': 'text/plain' },
    body: '{"incarnation":1}',
  });
  expect([plain.status, plain.text]).toEqual([400, expect.stringContaining('must be application/json')]);
  const other = await ask(`${daemon.http}/api/v1/${LEASE}`);
  expect([other.status, other.headers.allow, other.text]).toEqual([
    405,
    'PUT',
    `{"error":{"code":"UNIMPLEMENTED","message":"/api/v1/${LEASE} takes PUT"}}\n`,
  ]);
  for (const path of ['servers//lease', 'servers/a:1/b/lease', 'servers/%ff/lease', `${LEASE}/`])
    expect([path, (await ask(`${daemon.http}/api/v1/${path}`, { method: 'PUT' })).status]).toEqual([
      path,
      404,
    ]);
});

test('gives a bound writer only its own chat server, and logs what it denies', async () => {
  const file = await TokenFile.make();
  const token = await file.add('chat-1', 'writer', [SERVER]);
  const { http: url, logged } = await startDaemon({ http, auth: { tokens: file.path } });
  const other = '10.0.0.2:9000';
  const as = { url: String(url), token };
  expect((await send('online', LOGIN, as)).status).toBe(200);
  expect((await send(LEASE, { incarnation: 1 }, { ...as, method: 'PUT' })).status).toBe(200);
  expect((await send('drain', { serverAddr: SERVER }, as)).status).toBe(200);
  for (const { status, json } of [
    await send('online', { ...LOGIN, serverAddr: other }, as),
    await send(`servers/${other}/lease`, { incarnation: 1 }, { ...as, method: 'PUT' }),
    await send('drain', { serverAddr: other }, as),
  ]) {
    expect([status, json.error.code]).toEqual([403, 'PERMISSION_DENIED']);
    expect(json.error.message).toContain(`serverAddr must be ${SERVER}, to which token "chat-1" is bound`);
  }
  expect(logged.join('').match(/PERMISSION_DENIED|denied/gi)?.length).toBeGreaterThan(0);
  const reader = { url: String(url), token: file.tokens.reader as string };
  expect((await send('online', LOGIN, reader)).status).toBe(403);
  expect((await send('route', { userIds: ['alice'] }, reader)).status).toBe(200);
});

test('rejects changes while the store is overloaded, as gRPC does', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { http: url } = await startDaemon({ http, redis: redis.url, bounds: { operations: 1 } });
  const login = () => send('online', LOGIN, { url: String(url) });
  expect((await login()).status).toBe(200);
  redis.freeze();
  const waiting = login();
  const rejected = await until(async () => {
    const answer = await login();
    return answer.status === 429 ? answer : undefined;
  }, 'a login is rejected');
  expect(rejected.json.error).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringMatching(/^the daemon has 1 operations at the store: nothing was done/),
  });
  redis.thaw();
  await waiting;
  await until(async () => (await login()).status === 200, 'logins are accepted again');
});
