import { afterEach, beforeEach, expect, test } from 'vitest';
import { EndReason } from '../../../../../packages/client/src/generated/imstate/v1/EndReason.ts';
import { LeaseState } from '../../../../../packages/client/src/generated/imstate/v1/LeaseState.ts';
import { LoginPolicy } from '../../../../../packages/client/src/generated/imstate/v1/LoginPolicy.ts';
import { grpcClients, startTestDaemon, type TestDaemon } from '../../../../support/daemon.ts';
import { until } from '../../../../support/until.ts';

const SERVER = '10.0.0.1:9000';
const PHONE = { userId: 'alice', deviceId: 'phone', serverAddr: SERVER };

let daemon: TestDaemon;
let clients: ReturnType<typeof grpcClients>;
let v1: ReturnType<typeof grpcClients>['v1'];

beforeEach(async () => {
  daemon = await startTestDaemon();
  clients = grpcClients(daemon.addr);
  v1 = clients.v1;
});

afterEach(async () => {
  clients.close();
  await daemon.remove();
});

test('stores metadata and time to live of a session, and explains its state', async () => {
  const metadata = { app: '1.0', model: '手机' };
  await v1.online({ ...PHONE, sessionId: 's1', metadata, timeToLive: { seconds: 60 } });
  const { devices } = await v1.getUser({ userId: 'alice', explain: true });
  const [device] = devices;
  expect(device).toMatchObject({ metadata, explanation: { timeToLive: { seconds: 60 }, lease: null } });
  const expire = device?.explanation?.expireTime?.seconds ?? 0;
  expect(expire - (device?.lastSeenTime?.seconds ?? 0)).toBe(60);
  expect((await v1.getUser({ userId: 'alice' })).devices[0]?.explanation).toBeNull();
});

test('returns the ended sessions among 1,000 in a heartbeat', async () => {
  await v1.online({ ...PHONE, sessionId: 's1' });
  await v1.online({ ...PHONE, sessionId: 's2' });
  const known = { userId: 'alice', deviceId: 'phone', sessionId: 's2' };
  const others = Array.from({ length: 998 }, (_, i) => ({ ...known, sessionId: `x${i}` }));
  const { ended } = await v1.heartbeat({ sessions: [known, { ...known, sessionId: 's1' }, ...others] });
  expect(ended).toHaveLength(999);
  expect(ended[0]).toMatchObject({ ...known, sessionId: 's1', endReason: EndReason.END_REASON_REPLACED });
  expect(ended[1]).toMatchObject({ sessionId: 'x0', endReason: EndReason.END_REASON_UNSPECIFIED });
});

test('records the end of an expired session without a call', async () => {
  await v1.online({ ...PHONE, sessionId: 's1', timeToLive: { seconds: 1 } });
  await until(async () => (await v1.getStats()).devicesOnline === 0, 'the sweep has recorded the end');
  const { entries } = await v1.listHistory({ userId: 'alice' });
  expect(entries).toMatchObject([{ sessionId: 's1', endReason: EndReason.END_REASON_EXPIRED }]);
});

test('returns the end reason to a late repeat of a login', async () => {
  await v1.online({ ...PHONE, sessionId: 's1' });
  await v1.online({ ...PHONE, sessionId: 's2' });
  expect(await v1.online({ ...PHONE, sessionId: 's1' })).toMatchObject({
    endReason: EndReason.END_REASON_REPLACED,
    replaced: [],
  });
  expect((await v1.getUser({ userId: 'alice' })).devices).toMatchObject([{ sessionId: 's2', online: true }]);
});

test('requests a resync, and ends the previous run when the incarnation increases', async () => {
  const stream = v1.keepServerAlive();
  const alive = { serverAddr: SERVER, incarnation: 5, timeToLive: { seconds: 60 } };
  const first = await stream.send(alive);
  expect(first).toMatchObject({ resync: true, timeToLive: { seconds: 60 } });
  expect(await stream.send({ ...alive, resynced: first.resyncToken })).toMatchObject({
    resync: false,
    resyncToken: '',
  });
  await v1.online({ ...PHONE, sessionId: 's1', serverIncarnation: 5 });
  const { devices } = await v1.getUser({ userId: 'alice', explain: true });
  expect(devices[0]?.explanation?.lease).toMatchObject({
    state: LeaseState.LEASE_STATE_ALIVE,
    incarnation: 5,
  });

  const second = v1.keepServerAlive();
  expect(await second.send({ ...alive, incarnation: 6 })).toMatchObject({ resync: false });
  expect((await v1.getUser({ userId: 'alice' })).devices).toMatchObject([
    { online: false, endReason: EndReason.END_REASON_SERVER_LOST },
  ]);
  await until(async () => (await v1.getStats()).devicesOnline === 0, 'the ends are recorded');
  await expect(stream.send(alive)).rejects.toMatchObject({
    code: 9,
    details: expect.stringContaining('incarnation 6'),
  });
  second.end();
  expect(await second.ended).toMatchObject({ code: 0 });
});

test('ends the sessions of a lease that is not renewed', async () => {
  const stream = v1.keepServerAlive();
  await stream.send({ serverAddr: SERVER, incarnation: 5, timeToLive: { seconds: 1 } });
  await v1.online({ ...PHONE, sessionId: 's1' });
  stream.cancel();
  await until(async () => (await v1.listServers({})).servers.length === 0, 'the lease is lost');
  expect((await v1.getUser({ userId: 'alice' })).devices).toMatchObject([
    { endReason: EndReason.END_REASON_SERVER_LOST },
  ]);
});

test('answers the messages of a stream in order', async () => {
  const stream = v1.keepServerAlive();
  const answers = await Promise.all(
    [60, 70, 80].map((seconds) =>
      stream.send({ serverAddr: SERVER, incarnation: 5, timeToLive: { seconds } }),
    ),
  );
  expect(answers.map(({ timeToLive }) => timeToLive?.seconds)).toEqual([60, 70, 80]);
  stream.end();
});

test.each([
  [{ serverAddr: '', incarnation: 1 }, 'server_addr must not be empty'],
  [{ serverAddr: SERVER, incarnation: 0 }, 'incarnation must be from 1 to 2^48 - 1'],
  [{ serverAddr: SERVER, incarnation: 2 ** 48 }, 'incarnation must be from 1 to 2^48 - 1'],
  [{ serverAddr: SERVER, incarnation: -1 }, 'incarnation must be from 1 to 2^48 - 1'],
  [
    { serverAddr: SERVER, incarnation: 1, timeToLive: { nanos: 999_000_000 } },
    'time_to_live must be from 1 s to 3600 s; this one is 0.999 s',
  ],
])('ends the stream of an invalid keep-alive with field and rule: %j', async (request, rule) => {
  await expect(v1.keepServerAlive().send(request)).rejects.toMatchObject({
    code: 3,
    details: expect.stringContaining(rule),
  });
});

test('accepts only one chat server per stream', async () => {
  const stream = v1.keepServerAlive();
  await stream.send({ serverAddr: SERVER, incarnation: 1 });
  await expect(stream.send({ serverAddr: '10.0.0.2:9000', incarnation: 1 })).rejects.toMatchObject({
    details: expect.stringContaining(`began with ${SERVER}`),
  });
});

test('ends the streams on shutdown, so that chat servers reconnect elsewhere', async () => {
  const stream = v1.keepServerAlive();
  await stream.send({ serverAddr: SERVER, incarnation: 1 });
  const next = stream.send({ serverAddr: SERVER, incarnation: 1 });
  await next;
  const stopped = daemon.stop();
  expect(await stream.ended).toMatchObject({ code: 14, details: expect.stringContaining('stopping') });
  await stopped;
});

test('returns the history in pages, open sessions first', async () => {
  for (let i = 0; i < 7; i++) await v1.online({ ...PHONE, sessionId: `s${i}` });
  await v1.online({ ...PHONE, deviceId: 'web', sessionId: 'w' });
  const pages: string[][] = [];
  for (let pageToken = ''; pages.length === 0 || pageToken !== ''; ) {
    const page = await v1.listHistory({ userId: 'alice', pageSize: 3, pageToken });
    pages.push(page.entries.map(({ sessionId }) => sessionId));
    pageToken = page.nextPageToken;
  }
  expect(pages[0]?.slice(0, 2).sort()).toEqual(['s6', 'w']);
  expect(pages.flat().slice(2)).toEqual(['s5', 's4', 's3', 's2', 's1', 's0']);
  const { entries } = await v1.listHistory({ userId: 'alice', deviceId: 'web' });
  expect(entries).toMatchObject([
    { sessionId: 'w', endTime: null, endReason: EndReason.END_REASON_UNSPECIFIED },
  ]);
});

test('continues the history after the last page although a session ended meanwhile', async () => {
  for (let i = 0; i < 4; i++) await v1.online({ ...PHONE, sessionId: `s${i}` });
  const first = await v1.listHistory({ userId: 'alice', pageSize: 2 });
  expect(first.entries.map(({ sessionId }) => sessionId)).toEqual(['s3', 's2']);
  await v1.online({ ...PHONE, sessionId: 's4' });
  const second = await v1.listHistory({ userId: 'alice', pageSize: 2, pageToken: first.nextPageToken });
  expect(second.entries.map(({ sessionId }) => sessionId)).toEqual(['s1', 's0']);
});

test('lists sessions and chat servers, and counts them', async () => {
  await v1.online({ ...PHONE, sessionId: 's1', platform: 'ios' });
  await v1.online({ ...PHONE, userId: 'bob', sessionId: 's2', serverAddr: '10.0.0.2:9000' });
  expect(await v1.listSessions({ serverAddr: SERVER })).toMatchObject({
    sessions: [{ userId: 'alice', device: { sessionId: 's1', online: true } }],
    nextPageToken: '',
  });
  const page = await v1.listServers({ pageSize: 1 });
  expect(page.servers).toMatchObject([{ serverAddr: SERVER, sessions: 1, lease: null }]);
  expect((await v1.listServers({ pageSize: 1, pageToken: page.nextPageToken })).servers).toMatchObject([
    { serverAddr: '10.0.0.2:9000' },
  ]);
  expect(await v1.getStats()).toEqual({
    usersOnline: 2,
    devicesOnline: 2,
    devicesByPlatform: { ios: 1, '': 1 },
    devicesByServer: { [SERVER]: 1, '10.0.0.2:9000': 1 },
    devicesOnOtherServers: 0,
    partial: false,
  });
});

test('evicts a session, a user and a chat server', async () => {
  await v1.online({ ...PHONE, sessionId: 's1' });
  const session = { userId: 'alice', deviceId: 'phone', sessionId: 's1' };
  const evicted = { evicted: 1, more: false, reasonStored: false };
  expect(await v1.evict({ session: { ...session, sessionId: 's0' } })).toEqual({ ...evicted, evicted: 0 });
  expect(await v1.evict({ session })).toEqual(evicted);
  await v1.online({ ...PHONE, sessionId: 's2' });
  expect(await v1.evict({ userId: 'alice' })).toEqual(evicted);
  await v1.online({ ...PHONE, sessionId: 's3' });
  expect(await v1.evict({ serverAddr: SERVER })).toEqual(evicted);
  await v1.online({ ...PHONE, sessionId: 's4' });
  const device = { userId: 'alice', deviceId: 'phone' };
  expect(await v1.evict({ device, reasonText: 'stolen' })).toEqual({ ...evicted, reasonStored: true });
  expect((await v1.getUser({ userId: 'alice' })).devices).toMatchObject([
    { endReason: EndReason.END_REASON_EVICTED },
  ]);
});

test('applies grace and login policy', async () => {
  await v1.online({ ...PHONE, sessionId: 's1' });
  expect(await v1.offline({ userId: 'alice', deviceId: 'phone', grace: { seconds: 60 } })).toEqual({
    applied: true,
  });
  const { devices } = await v1.getUser({ userId: 'alice', explain: true });
  expect(devices).toMatchObject([
    { online: true, explanation: { graceEndTime: { seconds: expect.any(Number) } } },
  ]);
  const { replaced } = await v1.online({
    ...PHONE,
    deviceId: 'web',
    loginPolicy: LoginPolicy.LOGIN_POLICY_REPLACE_ALL,
  });
  expect(replaced).toMatchObject([
    { userId: 'alice', deviceId: 'phone', sessionId: 's1', endReason: EndReason.END_REASON_REPLACED },
  ]);
});

const LOGIN = { ...PHONE, sessionId: 's1' };
const SESSION = { userId: 'u', deviceId: 'd', sessionId: 's' };

test.each<[string, () => Promise<unknown>, string]>([
  [
    'metadata',
    () => v1.online({ ...LOGIN, metadata: { k: 'v'.repeat(1_024) } }),
    'metadata must be at most 1024 bytes of UTF-8, keys and values together; this one has 1025',
  ],
  ['metadata key', () => v1.online({ ...LOGIN, metadata: { '': 'v' } }), 'metadata must have no empty key'],
  [
    'time to live',
    () => v1.online({ ...LOGIN, timeToLive: { seconds: 0 } }),
    'time_to_live must be from 1 s to 2592000 s',
  ],
  [
    'negative time to live',
    () => v1.online({ ...LOGIN, timeToLive: { seconds: -5 } }),
    'time_to_live must be from 1 s',
  ],
  ['policy', () => v1.online({ ...LOGIN, loginPolicy: 7 as never }), 'login_policy 7 is not a LoginPolicy'],
  [
    'policy without platform',
    () => v1.online({ ...LOGIN, loginPolicy: LoginPolicy.LOGIN_POLICY_REPLACE_SAME_PLATFORM }),
    'platform must be given with',
  ],
  ['incarnation', () => v1.online({ ...LOGIN, serverIncarnation: -1 }), 'server_incarnation must be from 0'],
  ['login time', () => v1.online({ ...LOGIN, loginTime: { seconds: -1 } }), 'login_time must be'],
  [
    'login time alone',
    () => v1.online({ ...PHONE, loginTime: { seconds: 5 } }),
    'session_id must be given with login_time',
  ],
  [
    'grace',
    () => v1.offline({ userId: 'u', deviceId: 'd', grace: { seconds: 3_601 } }),
    'grace must be from 0 s to 3600 s',
  ],
  ['no sessions', () => v1.heartbeat({ sessions: [] }), 'sessions must be 1 to 1,000'],
  [
    'too many sessions',
    () => v1.heartbeat({ sessions: Array.from({ length: 1_001 }, () => SESSION) }),
    'these are 1001',
  ],
  [
    'a bad session',
    () => v1.heartbeat({ sessions: [SESSION, { ...SESSION, sessionId: '' }] }),
    'sessions[1].session_id must not be empty',
  ],
  ['page size', () => v1.listSessions({ pageSize: 1_001 }), 'page_size must be from 1 to 1000'],
  [
    'negative page size',
    () => v1.listHistory({ userId: 'u', pageSize: -1 }),
    'page_size must be from 1 to 1000',
  ],
  ['page token', () => v1.listSessions({ pageToken: 'nonsense' }), 'page_token must be the next_page_token'],
  [
    'a prefix with a control character',
    () => v1.listSessions({ userIdPrefix: 'a\u0001' }),
    'user_id_prefix must not contain control characters; this one has U+0001',
  ],
  [
    'a prefix of 300 bytes',
    () => v1.listSessions({ userIdPrefix: '好'.repeat(100) }),
    'user_id_prefix must be at most 256 bytes of UTF-8; this one has 300',
  ],
  [
    'a device to find with a control character',
    () => v1.listSessions({ deviceId: '\n' }),
    'device_id must not contain control characters',
  ],
  [
    'a session to find that is too long',
    () => v1.listSessions({ sessionId: 's'.repeat(257) }),
    'session_id must be at most 256 bytes',
  ],
  [
    'page token of history',
    () => v1.listHistory({ userId: 'u', pageToken: 'nonsense' }),
    'page_token must be the next_page_token',
  ],
  [
    'page token of servers',
    () => v1.listServers({ pageToken: 'nonsense' }),
    'page_token must be the next_page_token',
  ],
  ['no target', () => v1.evict({}), 'target must be given'],
  ['bad target', () => v1.evict({ session: { userId: 'u' } }), 'session.device_id must not be empty'],
])('rejects an invalid request with field and rule: %s', async (_, request, rule) => {
  await expect(request()).rejects.toMatchObject({ code: 3, details: expect.stringContaining(rule) });
});
