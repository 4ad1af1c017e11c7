import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  type Client,
  connect,
  type EndedSession,
  type Policy,
  type PolicyLimit,
  type ServerOptions,
  type ServerSessions,
} from '../../../packages/client/src/index.ts';
import { TokenFile } from '../../support/credentials.ts';
import { startTestDaemon, type TestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { startProxy } from '../../support/proxy.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const serverAddr = '10.0.0.1:9000';
const ONE_PHONE: Policy = {
  name: 'one-phone',
  platforms: ['fridge'],
  classes: { mobile: ['ios', 'android'], home: ['tv', 'fridge'] },
  limits: [{ per: 'class', class: 'mobile', max: 1, onConflict: 'REJECT' }],
  exclusive: [['home', 'other']],
};
const [LIMIT] = ONE_PHONE.limits as PolicyLimit[];
const STORED = { ...ONE_PHONE, version: 1, author: 'anonymous' };

const phone = { userId: 'alice', deviceId: 'phone', platform: 'ios' };
const tablet = { userId: 'alice', deviceId: 'tablet', platform: 'android' };

/** A chat server on the client, closed after the test. */
function serve(client: Client, options: Partial<ServerOptions> = {}): ServerSessions {
  const server = client.server({ addr: serverAddr, leaseTtlMs: 60_000, ...options });
  disposables.push(() => server.close());
  return server;
}

/** The devices of alice that are online. */
async function online(client: Client): Promise<string[]> {
  const { devices } = await client.getUser({ userId: 'alice' });
  return devices.filter((each) => each.online).map(({ deviceId }) => deviceId);
}

describe('the calls for policies', () => {
  let client: Client;

  beforeEach(async () => {
    client = await clientOf((await startDaemon({ redis: inject('redisUrl') })).addr);
  });

  test('store, list, read and delete', async () => {
    expect(await client.putPolicy(ONE_PHONE)).toEqual({ policy: STORED, changed: true });
    expect(await client.putPolicy(ONE_PHONE)).toEqual({ policy: STORED, changed: false });
    expect(await client.putPolicy({ name: 'bare' })).toMatchObject({
      policy: { name: 'bare', platforms: [], classes: {}, limits: [], exclusive: [] },
    });
    expect(await client.listPolicies()).toMatchObject({
      policies: [{ name: 'bare' }, STORED],
      defaultPolicy: 'keep-all',
      revision: 2,
    });
    const { policy } = await client.putPolicy({ ...ONE_PHONE, exclusive: undefined });
    expect(policy).toMatchObject({ version: 2, exclusive: [] });
    expect(await client.getPolicy('one-phone')).toEqual(policy);
    expect(await client.getPolicy('openim-2')).toEqual({
      name: 'openim-2',
      platforms: [],
      classes: {},
      limits: [{ per: 'user', max: 1, onConflict: 'KICK_OLDEST' }],
      exclusive: [],
      version: 0,
      author: undefined,
    });
    await client.deletePolicy('bare');
    expect((await client.listPolicies()).policies).toEqual([policy]);
  });

  test('choose the default, and keep it from being deleted', async () => {
    await client.putPolicy(ONE_PHONE);
    expect(await client.setDefaultPolicy('one-phone')).toEqual({ policy: STORED, previous: 'keep-all' });
    await expect(client.deletePolicy('one-phone')).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      field: 'name',
    });
    expect(await client.setDefaultPolicy('openim-1')).toMatchObject({
      policy: { name: 'openim-1', version: 1 },
      previous: 'one-phone',
    });
    expect(await client.setDefaultPolicy('keep-all')).toMatchObject({ previous: 'openim-1' });
    expect(await client.listPolicies()).toMatchObject({ defaultPolicy: 'keep-all', revision: 4 });
  });

  test('reject a name that there is not', async () => {
    const fault = { code: 'NOT_FOUND', field: 'name', message: expect.stringContaining('"nope"') };
    await expect(client.getPolicy('nope')).rejects.toMatchObject(fault);
    await expect(client.deletePolicy('nope')).rejects.toMatchObject(fault);
    await expect(client.deletePolicy('openim-1')).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'name' });
    await expect(client.setDefaultPolicy('nope')).rejects.toMatchObject(fault);
    for (const name of ['', 'No', 'x'.repeat(65)])
      await expect(client.getPolicy(name)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'name' });
  });

  test('can be stored at the same time', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `p-${i}`);
    const stored = await Promise.allSettled(names.map((name) => client.putPolicy({ name })));
    expect(stored.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  test('take effect on all daemons', async () => {
    const config = { redis: inject('redisUrl'), keyPrefix: `test-${randomUUID()}:` };
    const [one, other] = [await startDaemon(config), await startDaemon(config)];
    const [first, second] = [await clientOf(one.addr), await clientOf(other.addr)];
    await Promise.all([
      first.putPolicy(ONE_PHONE),
      second.putPolicy({ name: 'two', limits: [{ per: 'user', max: 2, onConflict: 'REJECT' }] }),
    ]);
    await second.setDefaultPolicy('one-phone');
    const names = async () => {
      const { policies, defaultPolicy } = await first.listPolicies();
      return [defaultPolicy, ...policies.map(({ name }) => name)].join();
    };
    await until(async () => (await names()) === 'one-phone,one-phone,two', 'the first daemon knows all');
    await first.online({ ...phone, serverAddr });
    expect(await first.online({ ...tablet, serverAddr })).toMatchObject({ rejected: true });
  });
});

describe('a policy that breaks a rule', () => {
  let daemon: TestDaemon;
  let client: Client;

  beforeAll(async () => {
    daemon = await startTestDaemon({ redis: inject('redisUrl') });
    client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
  });

  afterAll(async () => {
    await client.close();
    await daemon.remove();
  });

  const user = (limit: object) => ({
    name: 'p',
    limits: [{ per: 'user', max: 1, onConflict: 'REJECT', ...limit }],
  });
  test.each<[string, object]>([
    ['policy.name', { name: '' }],
    ['policy.name', { name: 'keep-all' }],
    ['policy.platforms[0]', { name: 'p', platforms: ['x'.repeat(33)] }],
    ['policy.classes[0].name', { name: 'p', classes: { other: ['ios'] } }],
    ['policy.classes[0].name', { name: 'p', classes: { 'a.b': ['ios'] } }],
    ['policy.classes[1].platforms[1]', { name: 'p', classes: { a: ['ios'], b: ['web', 'ios'] } }],
    ['policy.classes[0].platforms[0]', { name: 'p', classes: { a: ['iso'] } }],
    ['policy.limits[0].max', user({ max: 0 })],
    ['policy.limits[0].max', user({ max: -1 })],
    ['policy.limits[0].max', user({ max: 10_001 })],
    ['policy.limits[0].per', user({ per: 'device' })],
    ['policy.limits[0].class_name', user({ per: 'class', class: 'mobile' })],
    ['policy.limits[0].on_conflict', user({ onConflict: 'KICK' })],
    ['policy.limits[1]', { name: 'p', limits: [...user({}).limits, ...user({ max: 2 }).limits] }],
    ['policy.limits', { name: 'p', limits: Array.from({ length: 33 }, () => user({}).limits[0]) }],
    ['policy.exclusive[0]', { name: 'p', exclusive: [['other']] }],
    ['policy.exclusive[0].classes[1]', { name: 'p', exclusive: [['other', 'nope']] }],
    [
      'policy.exclusive[1].classes[1]',
      {
        name: 'p',
        classes: { a: ['ios'] },
        exclusive: [
          ['a', 'other'],
          ['other', 'a'],
        ],
      },
    ],
  ])('is rejected for %s: %j', async (field, policy) => {
    await expect(client.putPolicy(policy as Policy)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field,
      message: expect.stringContaining(`${field} `),
    });
    expect((await client.listPolicies()).revision).toBe(0);
  });

  test.each([1.5, 2 ** 32 + 1, '2'])('is not stored with another number than %j', async (max) => {
    await expect(client.putPolicy(user({ max }) as Policy)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('a login', () => {
  let client: Client;

  beforeEach(async () => {
    client = await clientOf((await startDaemon({ redis: inject('redisUrl') })).addr);
    await client.putPolicy(ONE_PHONE);
    await client.setDefaultPolicy('one-phone');
  });

  test('that is rejected names the limit and the sessions in its way, and changes nothing', async () => {
    const { loginTime } = await client.online({
      ...phone,
      serverAddr,
      sessionId: 's-1',
      label: "Anna's phone",
      metadata: { secret: 'x' },
    });
    const result = await client.online({ ...tablet, serverAddr, sessionId: 's-2', label: 'Tablet' });
    expect(result).toEqual({
      sessionId: 's-2',
      loginTime: undefined,
      rejected: true,
      endReason: 'REJECTED',
      policy: 'one-phone',
      limit: LIMIT,
      replaced: [],
      replacedOmitted: 0,
      conflicts: [
        expect.objectContaining({
          deviceId: 'phone',
          sessionId: 's-1',
          serverAddr,
          online: true,
          platform: 'ios',
          label: "Anna's phone",
          loginTime,
          metadata: {},
        }),
      ],
      conflictsOmitted: 0,
      detailsStored: false,
    });
    expect((await client.getUser({ userId: 'alice' })).devices).toMatchObject([{ deviceId: 'phone' }]);
    expect((await client.listHistory({ userId: 'alice' })).entries).toHaveLength(1);
  });

  test('that is accepted names the policy, and not keep-all', async () => {
    expect(await client.online({ ...phone, serverAddr })).toMatchObject({
      policy: 'one-phone',
      rejected: false,
      endReason: undefined,
      conflicts: [],
      limit: undefined,
    });
    const other = await client.online({ ...tablet, serverAddr, policy: 'openim-2' });
    expect(other).toMatchObject({
      policy: 'openim-2',
      replaced: [{ deviceId: 'phone', reason: 'REPLACED' }],
    });
    for (const policy of ['KEEP_ALL', 'keep-all'])
      expect(await client.online({ ...phone, serverAddr, policy })).toMatchObject({
        policy: undefined,
        rejected: false,
        replaced: policy === 'KEEP_ALL' ? [] : [{ deviceId: 'phone' }],
      });
  });

  test('that repeats an accepted one is never rejected, but one that was rejected is decided anew', async () => {
    await client.online({ ...phone, serverAddr, sessionId: 's-1' });
    const late = { ...tablet, serverAddr, sessionId: 's-2' };
    expect(await client.online(late)).toMatchObject({ rejected: true });
    await client.online({ ...late, policy: 'keep-all' });
    for (const again of [late, { ...phone, serverAddr, sessionId: 's-1' }])
      expect(await client.online(again)).toMatchObject({ rejected: false, endReason: undefined });
    await client.offline(tablet);
    expect(await client.online({ ...late, sessionId: 's-3' })).toMatchObject({ rejected: true });
    await client.offline(phone);
    expect(await client.online({ ...late, sessionId: 's-3' })).toMatchObject({ rejected: false });
  });

  test('names at most 32 of the sessions in its way, the oldest', async () => {
    const crowd = (i: number) => ({ userId: 'crowd', deviceId: `d-${i}`, serverAddr });
    for (let i = 0; i < 40; i++) await client.online(crowd(i));
    const limits = [{ per: 'user', max: 40, onConflict: 'REJECT' } as const];
    await client.putPolicy({ name: 'forty', limits });
    const { conflicts, conflictsOmitted } = await client.online({ ...crowd(40), policy: 'forty' });
    expect([conflicts.length, conflictsOmitted]).toEqual([32, 8]);
    const times = conflicts.map(({ loginTime }) => loginTime?.getTime() ?? 0);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(conflicts[0]?.deviceId).toBe('d-0');
  });

  test('names a policy that there is', async () => {
    const fault = { code: 'INVALID_ARGUMENT', field: 'policy' };
    await expect(client.online({ ...phone, serverAddr, policy: 'nope' })).rejects.toMatchObject(fault);
    await expect(client.validateLogin({ ...phone, policy: 'nope' })).rejects.toMatchObject(fault);
    expect(await online(client)).toEqual([]);
  });

  test('that is tried changes nothing', async () => {
    await client.online({ ...phone, serverAddr, sessionId: 's-1' });
    expect(await client.validateLogin({ userId: 'alice', platform: 'android' })).toMatchObject({
      rejected: true,
      conflicts: [{ deviceId: 'phone', sessionId: 's-1', metadata: {} }],
      conflictsOmitted: 0,
      replaced: [],
      limit: LIMIT,
      policy: 'one-phone',
    });
    expect(await client.validateLogin({ userId: 'alice', policy: 'REPLACE_ALL' })).toEqual({
      rejected: false,
      conflicts: [],
      conflictsOmitted: 0,
      replaced: [
        expect.objectContaining({ deviceId: 'phone', sessionId: 's-1', serverAddr, reason: 'REPLACED' }),
      ],
      replacedOmitted: 0,
      limit: undefined,
      policy: 'replace-all',
    });
    expect(await client.validateLogin({ ...phone, policy: 'keep-all' })).toMatchObject({
      policy: undefined,
      rejected: false,
    });
    await expect(client.validateLogin({ userId: '' })).rejects.toMatchObject({ field: 'user_id' });
    expect(await online(client)).toEqual(['phone']);
    expect((await client.listHistory({ userId: 'alice' })).entries).toHaveLength(1);
  });
});

test('a login that bypasses the default needs the role admin', async () => {
  const file = await TokenFile.make();
  const { addr } = await startDaemon({ redis: inject('redisUrl'), auth: { tokens: file.path } });
  const as = async (role: string) => {
    const client = await connect({ endpoints: [addr], token: file.tokens[role], timeoutMs: 30_000 });
    disposables.push(() => client.close());
    return client;
  };
  const [reader, writer, admin] = [await as('reader'), await as('writer'), await as('admin')];
  await admin.putPolicy(ONE_PHONE);
  await admin.setDefaultPolicy('one-phone');
  const denied = { code: 'PERMISSION_DENIED' };
  await expect(writer.putPolicy(ONE_PHONE)).rejects.toMatchObject(denied);
  await expect(writer.setDefaultPolicy('keep-all')).rejects.toMatchObject(denied);
  await expect(writer.deletePolicy('one-phone')).rejects.toMatchObject(denied);
  await expect(reader.validateLogin(phone)).rejects.toMatchObject(denied);
  expect(await reader.getPolicy('one-phone')).toMatchObject({ author: 'admin' });
  expect(await writer.validateLogin(phone)).toMatchObject({ rejected: false });
  const bypass = { ...phone, policy: 'keep-all' as const };
  await expect(writer.online({ ...bypass, serverAddr })).rejects.toMatchObject(denied);
  const server = serve(writer);
  await expect(server.online(bypass)).rejects.toMatchObject(denied);
  expect(server.size).toBe(0);
  expect(await admin.online({ ...bypass, serverAddr })).toMatchObject({ rejected: false });
});

describe('a chat server', () => {
  test('does not hold a session whose login was rejected, and no resync brings it back', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url, keyPrefix: 'im:' });
    const client = await clientOf(addr);
    await client.putPolicy(ONE_PHONE);
    await client.setDefaultPolicy('one-phone');
    const ended: EndedSession[] = [];
    const server = serve(client, { leaseTtlMs: 3_000, onEnded: (one) => ended.push(one) });
    await server.ready;
    await server.online(phone);
    expect(await server.online({ ...tablet, sessionId: 's-2' })).toMatchObject({
      rejected: true,
      endReason: 'REJECTED',
      sessionId: 's-2',
      limit: LIMIT,
      conflicts: [{ deviceId: 'phone' }],
    });
    expect([server.size, ...[...server].map(({ deviceId }) => deviceId)]).toEqual([1, 'phone']);
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await until(async () => (await online(client)).length > 0, 'the phone is online again');
    const lease = async () => (await client.listServers()).servers[0]?.lease?.state;
    await until(async () => (await lease()) === 'ALIVE', 'the resync is done');
    expect(await online(client)).toEqual(['phone']);
    expect(await client.listHistory({ userId: 'alice' })).toMatchObject({ entries: [{ deviceId: 'phone' }] });
    await until(() => redis.exists('im:policies'), 'the policies are back');
    expect(await server.online({ ...tablet, sessionId: 's-3' })).toMatchObject({ rejected: true });
    expect(ended).toEqual([]);
  });

  test('sends sessions again that the default would reject by now', async () => {
    const redisServer = await startRedis();
    disposables.push(() => redisServer.stop());
    const { addr } = await startDaemon({ redis: redisServer.url });
    const client = await clientOf(addr);
    const ended: EndedSession[] = [];
    const server = serve(client, { leaseTtlMs: 3_000, onEnded: (one) => ended.push(one) });
    await server.ready;
    await server.online(phone);
    await server.online({ ...tablet, policy: 'openim-0' });
    await client.putPolicy(ONE_PHONE);
    await client.setDefaultPolicy('one-phone');
    const redis = new Redis(redisServer.url);
    disposables.push(() => redis.disconnect());
    await redis.flushall();
    await until(async () => (await online(client)).length === 2, 'both are online again');
    expect([ended, server.size]).toEqual([[], 2]);
  });

  test('learns of a login that a policy accepted, although its response was lost', async () => {
    const { addr } = await startDaemon({ redis: inject('redisUrl') });
    const direct = await clientOf(addr);
    await direct.putPolicy(ONE_PHONE);
    await direct.setDefaultPolicy('one-phone');
    const proxy = await startProxy(Number(addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const server = serve(await clientOf(`127.0.0.1:${proxy.port}`));
    await server.ready;
    proxy.holdAnswers();
    const login = server.online(phone, { timeoutMs: 600_000 });
    await until(async () => (await online(direct)).length === 1, 'the login is applied');
    proxy.cut();
    proxy.heal();
    expect(await login).toMatchObject({ rejected: false, endReason: undefined, policy: 'one-phone' });
    expect([server.size, await online(direct)]).toEqual([1, ['phone']]);
    expect(await server.online(tablet)).toMatchObject({ rejected: true });
  });

  test('receives the ends of its sessions that a policy ended for a login at another one', async () => {
    const { addr } = await startDaemon({ redis: inject('redisUrl') });
    const client = await clientOf(addr);
    await client.putPolicy({
      ...ONE_PHONE,
      limits: [{ per: 'class', class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' }],
    });
    await client.setDefaultPolicy('one-phone');
    const ended: EndedSession[] = [];
    const server = serve(client, { onEnded: (one) => ended.push(one) });
    const other = serve(await clientOf(addr), { addr: '10.0.0.2:9000', onEnded: (one) => ended.push(one) });
    await Promise.all([server.ready, other.ready]);
    const { sessionId } = await server.online(phone);
    await server.online({ userId: 'alice', deviceId: 'browser', platform: 'web' });
    const { replaced } = await other.online({ ...tablet, label: 'Tablet' });
    expect(replaced).toMatchObject([{ deviceId: 'phone', sessionId, serverAddr }]);
    await until(() => ended.length === 1, 'the end is delivered');
    const by = { deviceId: 'tablet', serverAddr: '10.0.0.2:9000', label: 'Tablet', platform: 'android' };
    expect(ended).toMatchObject([{ deviceId: 'phone', sessionId, serverAddr, reason: 'REPLACED', by }]);
    // The browser is of the class other, which a television excludes.
    await other.online({ userId: 'alice', deviceId: 'television', platform: 'tv' });
    await until(() => ended.length === 2, 'the other end is delivered');
    expect(ended[1]).toMatchObject({
      deviceId: 'browser',
      reason: 'REPLACED',
      by: { deviceId: 'television' },
    });
    expect([server.size, other.size]).toEqual([0, 2]);
  });
});
