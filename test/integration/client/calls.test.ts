import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { startTestDaemon, type TestDaemon } from '../../support/daemon.ts';

let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = await startTestDaemon();
  client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
});

afterAll(async () => {
  await client.close();
  await daemon.remove();
});

const serverAddr = '10.0.0.1:9000';
const session = (userId: string, sessionId: string) => ({ userId, deviceId: 'phone', sessionId });

test('a heartbeat returns the sessions that have ended, with their reasons', async () => {
  await client.online({ ...session('alice', 's-1'), serverAddr });
  await client.online({ ...session('alice', 's-2'), serverAddr });
  await client.online({ ...session('bob', 's-1'), serverAddr, ttlMs: 60_000 });
  const sessions = [
    session('alice', 's-1'),
    session('alice', 's-2'),
    session('bob', 's-1'),
    session('bob', 's-9'),
  ];
  const { ended } = await client.heartbeat(sessions);
  expect(ended).toMatchObject([
    { ...session('alice', 's-1'), reason: 'REPLACED' },
    { ...session('bob', 's-9'), reason: undefined },
  ]);
  await expect(client.heartbeat([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('pages of history follow each other, and the last has no token', async () => {
  for (const id of ['s-1', 's-2', 's-3']) await client.online({ ...session('carol', id), serverAddr });
  const first = await client.listHistory({ userId: 'carol', pageSize: 2 });
  expect(first.entries.map(({ sessionId }) => sessionId)).toEqual(['s-3', 's-2']);
  const pageToken = first.nextPageToken as string;
  const last = await client.listHistory({ userId: 'carol', pageSize: 2, pageToken });
  expect(last.entries).toMatchObject([{ sessionId: 's-1', reason: 'REPLACED', endTime: expect.any(Date) }]);
  expect(last.nextPageToken).toBeUndefined();
});

test('pages of chat servers and sessions contain each once', async () => {
  const servers = ['10.0.1.1:9000', '10.0.1.2:9000', '10.0.1.3:9000'];
  for (const [i, addr] of servers.entries()) {
    await client.online({ ...session(`dave-${i}`, 's-1'), serverAddr: addr, platform: 'ios' });
  }
  const listed: string[] = [];
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const page = await client.listServers({ pageSize: 1, pageToken });
    listed.push(...page.servers.map((server) => server.serverAddr));
    pageToken = page.nextPageToken;
  }
  expect(listed.filter((addr) => servers.includes(addr))).toEqual(servers);

  const users: string[] = [];
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const page = await client.listSessions({ pageSize: 1, pageToken });
    users.push(...page.sessions.map(({ userId }) => userId));
    pageToken = page.nextPageToken;
  }
  expect(users.filter((userId) => userId.startsWith('dave')).sort()).toEqual(['dave-0', 'dave-1', 'dave-2']);
  expect((await client.getStats()).devicesByPlatform).toMatchObject({ ios: 3 });
});

test('an eviction ends the sessions of a chat server or a user, or one session', async () => {
  const evicted = async (target: Parameters<Client['evict']>[0]) => (await client.evict(target)).evicted;
  for (const id of ['erin', 'frank', 'grace']) {
    await client.online({ ...session(id, 's-1'), serverAddr: '10.0.2.1:9000' });
  }
  expect(await evicted({ session: session('erin', 's-1') })).toBe(1);
  expect(await evicted({ userId: 'frank' })).toBe(1);
  expect(await evicted({ serverAddr: '10.0.2.1:9000' })).toBe(1);
  expect(await client.getUser({ userId: 'grace' })).toMatchObject({ devices: [{ reason: 'EVICTED' }] });
});

test('an invalid login is rejected with the rule', async () => {
  const login = { ...session('heidi', 's-1'), serverAddr };
  for (const [extra, field] of [
    [{ ttlMs: 1 }, 'time_to_live'],
    [{ metadata: { a: 'x'.repeat(2_000) } }, 'metadata'],
    [{ serverIncarnation: 2 ** 50 }, 'server_incarnation'],
  ] as const) {
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(field) };
    await expect(client.online({ ...login, ...extra })).rejects.toMatchObject(refused);
  }
});

test('an undefined option equals an absent one', async () => {
  const noOptions = { timeoutMs: undefined, signal: undefined };
  const noPage = { pageSize: undefined, pageToken: undefined };
  const mallory = { userId: 'mallory', deviceId: 'phone', sessionId: undefined };
  const login = { ...mallory, serverAddr, ttlMs: undefined, metadata: undefined, policy: undefined };
  const { sessionId } = await client.online({ ...login, platform: undefined }, noOptions);
  const asked = { userId: 'mallory', deviceId: undefined, explain: undefined };
  expect(await client.getUser(asked, noOptions)).toMatchObject({
    online: true,
    devices: [{ sessionId, explanation: undefined }],
  });
  const { entries } = await client.listHistory(
    { userId: 'mallory', deviceId: undefined, ...noPage },
    noOptions,
  );
  expect(entries).toMatchObject([{ sessionId }]);
  const { sessions } = await client.listSessions({ serverAddr: undefined, ...noPage }, noOptions);
  expect(sessions.map(({ userId }) => userId)).toContain('mallory');
  expect((await client.listServers(noPage, noOptions)).servers.length).toBeGreaterThan(0);
  expect(await client.offline({ ...mallory, graceMs: undefined }, noOptions)).toEqual({ applied: true });
  expect((await client.getUser(asked, noOptions)).online).toBe(false);
});

const REFUSED = ['replace_all', 'ReplaceAll', '', 2, 0, null];

test.each(REFUSED)('a login with the policy %j is rejected and changes nothing', async (policy) => {
  const login = { ...session('policy', 's-1'), serverAddr, policy: policy as 'KEEP_ALL' };
  await expect(client.online(login)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(
      /^policy must be the name of a policy, such as one-per-class or keep-all; /,
    ),
  });
  expect((await client.getUser({ userId: 'policy' })).online).toBe(false);
});

test.each(['REPLACE_ALL', 'replace-all'] as const)('the policy %s ends sessions', async (policy) => {
  const userId = `policy-${policy}`;
  await client.online({ ...session(userId, 's-1'), serverAddr });
  const login = { userId, deviceId: 'laptop', sessionId: 's-2', serverAddr, policy };
  expect((await client.online(login)).replaced).toMatchObject([{ sessionId: 's-1', reason: 'REPLACED' }]);
});

type Use = (signal: AbortSignal, i: number) => Promise<unknown>;
const sharing: [string, Use][] = [
  ['getUser', (signal, i) => client.getUser({ userId: `many-${i}` }, { signal })],
  ['getStats', (signal) => client.getStats({ signal })],
  ['listServers', (signal) => client.listServers({}, { signal })],
  ['watch', (signal) => client.watch({ everything: true, signal })[Symbol.asyncIterator]().next()],
];

test.each(sharing)('50 calls of %s can share a signal without a warning of Node.js', async (_, use) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const stop = new AbortController();
    const all = (signal: AbortSignal) => Array.from({ length: 50 }, (_, i) => use(signal, i));
    await Promise.all(all(stop.signal));
    const late = all(stop.signal).map((call) => call.catch((error: unknown) => error));
    stop.abort(new Error('stopped'));
    for (const call of late) expect(await call).toEqual(new Error('stopped'));
    // A warning is emitted in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', onWarning);
  }
});
