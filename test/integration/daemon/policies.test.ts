import { Redis } from 'ioredis';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Client, PolicyLimit } from '../../../packages/client/src/index.ts';
import { Policies } from '../../../src/daemon/policies.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { LIMITS } from '../../../src/presence/limits.ts';
import { NO_POLICIES, type PolicySet, putPolicy } from '../../../src/presence/policySet.ts';
import { TokenFile } from '../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { scrape, sumOf } from '../../support/metrics.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const serverAddr = '10.0.0.1:9000';
const FAILED_PRECONDITION = 9;
const PERMISSION_DENIED = 7;
const INVALID_ARGUMENT = 3;
const REJECTED = 6;
const REPLACE_ALL = 3;
const KEEP_ALL = 1;
/** Daemons of one cluster. */
const PREFIX = { keyPrefix: 'im:' };

const ONE: PolicyLimit = { per: 'user', max: 1, onConflict: 'REJECT' };
const one = { name: 'one', limits: [ONE] };

function raw(daemon: TestDaemon, token?: string) {
  const clients = grpcClients(daemon.addr, token);
  disposables.push(() => clients.close());
  return clients;
}

async function daemonWith(policy = one): Promise<{ daemon: TestDaemon; client: Client }> {
  const daemon = await startDaemon();
  const client = await clientOf(daemon.addr);
  await client.putPolicy(policy);
  await client.setDefaultPolicy(policy.name);
  return { daemon, client };
}

const login = (deviceId: string) => ({ userId: 'alice', deviceId, serverAddr });

/** A Redis of the test, with two daemons and a client of each. */
async function twoDaemons() {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  const daemons = [
    await startDaemon({ redis: redis.url, ...PREFIX }),
    await startDaemon({ redis: redis.url, ...PREFIX }),
  ] as const;
  const clients = [await clientOf(daemons[0].addr), await clientOf(daemons[1].addr)] as const;
  return { redis, admin, daemons, clients };
}

test('a session that is resent is not decided, whatever has become of the policies', async () => {
  const { daemon, client } = await daemonWith({ name: 'other', limits: [] });
  await client.putPolicy(one);
  const { v1 } = raw(daemon);
  const request = { ...login('phone'), sessionId: 'of-phone', policy: 'one' };
  const { loginTime } = await v1.online(request);
  await v1.online({ ...login('web'), policy: 'other' });
  await client.deletePolicy('one');
  expect(await v1.online({ ...request, loginTime })).toMatchObject({ loginTime, rejected: false });
  expect(await v1.online({ ...request, loginTime, validateOnly: true })).toMatchObject({ rejected: false });
});

test('a rejected login is an answer that clients without policies understand', async () => {
  const { daemon } = await daemonWith();
  const { v1 } = raw(daemon);
  await v1.online({ ...login('phone'), platform: 'ios', label: "Anna's phone", metadata: { v: '1' } });
  const answer = await v1.online({ ...login('web'), sessionId: 's-web' });
  expect(answer).toMatchObject({
    sessionId: 's-web',
    loginTime: null,
    endReason: REJECTED,
    rejected: true,
    replaced: [],
    policy: 'one',
    limit: { per: 3, max: 1, onConflict: 3 },
    conflicts: [{ deviceId: 'phone', platform: 'ios', label: "Anna's phone", online: true, metadata: {} }],
  });
  expect(await v1.getUser({ userId: 'alice' })).toMatchObject({ devices: [{ deviceId: 'phone' }] });
});

test('a login without a policy costs its answer nothing while the default is keep-all', async () => {
  const { v1 } = raw(await startDaemon());
  expect(await v1.online(login('phone'))).toMatchObject({ policy: '', rejected: false, limit: null });
  expect(await v1.online({ ...login('phone'), loginPolicy: REPLACE_ALL })).toMatchObject({
    policy: 'replace-all',
  });
});

test('Apply answers with the decision on each login', async () => {
  const { daemon } = await daemonWith();
  const { results } = await raw(daemon)
    .v1.apply()
    .send({
      operations: [
        { online: login('phone') },
        { online: login('web') },
        { online: { ...login('web'), loginPolicy: REPLACE_ALL } },
        { online: { userId: 'alice', validateOnly: true } },
        { online: { ...login('tv'), policy: 'unknown' } },
      ],
    });
  expect(results).toMatchObject([
    { online: { rejected: false, policy: 'one' } },
    { online: { rejected: true, endReason: REJECTED, conflicts: [{ deviceId: 'phone' }] } },
    { online: { rejected: false, replaced: [{ deviceId: 'phone' }] } },
    { online: { rejected: true, loginTime: null, conflicts: [{ deviceId: 'web' }] } },
    {
      error: { code: INVALID_ARGUMENT, message: expect.stringContaining('policy "unknown" is not a policy') },
    },
  ]);
});

test('an answer names as many conflicts of a batch as it has room for', async () => {
  const limit: PolicyLimit = { per: 'user', max: 32, onConflict: 'REJECT' };
  const { daemon, client } = await daemonWith({ name: 'many', limits: [limit] });
  const long = 'x'.repeat(200);
  await Promise.all(
    Array.from({ length: 32 }, (_, i) =>
      client.online({ ...login(`${long}-${i}`), sessionId: `${long}-${i}` }),
    ),
  );
  const operations = Array.from({ length: 1_000 }, (_, i) => ({ online: login(`new-${i}`) }));
  const { results } = await raw(daemon).v1.apply().send({ operations });
  expect(results.every((result) => result.online?.rejected)).toBe(true);
  const shown = results.map((result) => result.online?.conflicts.length ?? 0);
  const omitted = results.map((result) => result.online?.conflictsOmitted ?? 0);
  expect(shown.map((count, i) => count + (omitted[i] as number))).toEqual(results.map(() => 32));
  expect(shown[0]).toBe(32);
  expect(shown.at(-1)).toBe(0);
});

test('the legacy service uses the default policy, and fails a rejected login', async () => {
  const { daemon, client } = await daemonWith();
  const { pb } = raw(daemon);
  await pb.online({ UserID: 'alice', DeviceID: 'phone', ServerAddr: 'a' });
  await pb.online({ UserID: 'alice', DeviceID: 'phone', ServerAddr: 'b' });
  await expect(pb.online({ UserID: 'alice', DeviceID: 'web', ServerAddr: 'a' })).rejects.toMatchObject({
    code: FAILED_PRECONDITION,
    details: expect.stringContaining('the policy one rejects the login (at most 1 session in all)'),
  });
  await client.setDefaultPolicy('openim-2');
  await pb.online({ UserID: 'alice', DeviceID: 'web', ServerAddr: 'a' });
  expect(await pb.query({ UserID: 'alice', DeviceID: 'phone' })).toMatchObject({ Status: false });
});

test('only an admin bypasses a stricter default', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ auth: { tokens: file.path } });
  const admin = raw(daemon, file.tokens.admin).v1;
  const writer = raw(daemon, file.tokens.writer).v1;
  expect(await writer.online({ ...login('a'), loginPolicy: KEEP_ALL })).toMatchObject({ rejected: false });
  const client = await adminOf(daemon, file);
  await client.putPolicy(one);
  await client.setDefaultPolicy('one');
  const denied = {
    code: PERMISSION_DENIED,
    details: expect.stringContaining('bypasses the default policy one'),
  };
  await expect(writer.online({ ...login('b'), loginPolicy: KEEP_ALL })).rejects.toMatchObject(denied);
  await expect(writer.online({ ...login('b'), policy: 'keep-all' })).rejects.toMatchObject(denied);
  await expect(writer.online({ ...login('b'), policy: 'wukongim-slave' })).rejects.toMatchObject(denied);
  const { results } = await writer
    .apply()
    .send({ operations: [{ online: { ...login('b'), loginPolicy: KEEP_ALL } }] });
  expect(results).toMatchObject([{ error: { code: PERMISSION_DENIED } }]);
  // What an admin has stored is no bypass.
  await client.putPolicy({ name: 'unlimited' });
  expect(await writer.online({ ...login('b'), policy: 'unlimited' })).toMatchObject({ policy: 'unlimited' });
  expect(await admin.online({ ...login('c'), loginPolicy: KEEP_ALL })).toMatchObject({ rejected: false });
  const applied = await admin
    .apply()
    .send({ operations: [{ online: { ...login('d'), policy: 'keep-all' } }] });
  expect(applied.results).toMatchObject([{ online: { rejected: false, policy: '' } }]);
});

async function adminOf(daemon: TestDaemon, file: TokenFile): Promise<Client> {
  const { connect } = await import('../../../packages/client/src/index.ts');
  const client = await connect({ endpoints: [daemon.addr], token: file.tokens.admin as string });
  disposables.push(() => client.close());
  return client;
}

test('a writer that is bound to a chat server may try logins', async () => {
  const file = await TokenFile.make();
  const token = await file.add('bound', 'writer', ['10.0.0.9:9000']);
  const { v1 } = raw(await startDaemon({ auth: { tokens: file.path } }), token);
  expect(await v1.online({ userId: 'alice', validateOnly: true })).toMatchObject({ rejected: false });
  await expect(v1.online(login('phone'))).rejects.toMatchObject({ code: PERMISSION_DENIED });
});

test.each<[string, object, string]>([
  ['no policy', {}, 'policy'],
  ['no name', { policy: {} }, 'policy.name'],
  [
    'a class twice',
    {
      policy: {
        name: 'x',
        classes: [
          { name: 'a', platforms: ['ios'] },
          { name: 'a', platforms: ['web'] },
        ],
      },
    },
    'policy.classes[1].name',
  ],
  [
    'an unknown platform',
    { policy: { name: 'x', classes: [{ name: 'a', platforms: ['ios', 'nope'] }] } },
    'policy.classes[0].platforms[1]',
  ],
  [
    'an overlapping class',
    {
      policy: {
        name: 'x',
        classes: [
          { name: 'a', platforms: ['ios'] },
          { name: 'b', platforms: ['ios'] },
        ],
      },
    },
    'policy.classes[1].platforms[0]',
  ],
  [
    'a limit of 0',
    { policy: { name: 'x', limits: [{ per: 3, max: 0, onConflict: 3 }] } },
    'policy.limits[0].max',
  ],
  ['no scope', { policy: { name: 'x', limits: [{ max: 1, onConflict: 3 }] } }, 'policy.limits[0].per'],
  [
    'an unknown scope',
    { policy: { name: 'x', limits: [{ per: 9, max: 1, onConflict: 3 }] } },
    'policy.limits[0].per',
  ],
  ['no conflict', { policy: { name: 'x', limits: [{ per: 3, max: 1 }] } }, 'policy.limits[0].on_conflict'],
  [
    'an unknown class',
    { policy: { name: 'x', limits: [{ per: 1, className: 'nope', max: 1, onConflict: 3 }] } },
    'policy.limits[0].class_name',
  ],
  [
    'a class without its scope',
    { policy: { name: 'x', limits: [{ per: 3, className: 'other', max: 1, onConflict: 3 }] } },
    'policy.limits[0].class_name',
  ],
  [
    'a cycle',
    {
      policy: {
        name: 'x',
        classes: [{ name: 'a', platforms: ['ios'] }],
        exclusive: [{ classes: ['a', 'other'] }, { classes: ['other', 'a'] }],
      },
    },
    'policy.exclusive[1].classes[1]',
  ],
  [
    '33 limits',
    { policy: { name: 'x', limits: Array.from({ length: 33 }, () => ({ per: 3, max: 1, onConflict: 3 })) } },
    'policy.limits',
  ],
])('PutPolicy rejects %s, names the field, and changes nothing', async (_, request, field) => {
  const daemon = await startDaemon();
  const error = await raw(daemon)
    .v1.putPolicy(request)
    .catch((failure) => failure);
  expect(error).toMatchObject({ code: INVALID_ARGUMENT, details: expect.stringContaining(`${field} `) });
  expect(await (await clientOf(daemon.addr)).listPolicies()).toMatchObject({ policies: [], revision: 0 });
});

test('every daemon applies a change within 2 s', async () => {
  const { clients } = await twoDaemons();
  const [first, second] = clients;
  await first.putPolicy(one);
  await first.setDefaultPolicy('one');
  const startedAt = performance.now();
  await until(async () => (await second.listPolicies()).defaultPolicy === 'one', 'the other daemon knows it');
  // What the promise allows is four times the interval; a machine that stalls is not the daemon's fault.
  expect(performance.now() - startedAt).toBeLessThan(30_000);
  await second.online(login('phone'));
  expect(await second.online(login('web'))).toMatchObject({ rejected: true, policy: 'one' });
  await second.deletePolicy('one').catch((error) => expect(error.code).toBe('FAILED_PRECONDITION'));
  await second.setDefaultPolicy('keep-all');
  await until(async () => (await first.listPolicies()).defaultPolicy === 'keep-all', 'the first knows it');
});

test('changes of several daemons at the same time are all made', async () => {
  const { clients } = await twoDaemons();
  const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
  await Promise.all(names.map((name, i) => (clients[i % 2] as Client).putPolicy({ ...one, name })));
  for (const client of clients) {
    await until(async () => (await client.listPolicies()).revision === 20, 'a daemon knows all');
    expect((await client.listPolicies()).policies.map(({ name }) => name).sort()).toEqual(names.sort());
  }
});

test('a Redis that lost everything gets the policies back', async () => {
  const { admin, clients, redis } = await twoDaemons();
  const [first, second] = clients;
  await first.putPolicy(one);
  await first.setDefaultPolicy('one');
  const before = await first.listPolicies();
  await until(async () => (await second.listPolicies()).revision === before.revision, 'both know it');
  await admin.flushall();
  await until(async () => (await admin.exists('im:policies')) === 1, 'the policies are written back');
  for (const client of clients) expect(await client.listPolicies()).toEqual(before);
  const third = await startDaemon({ redis: redis.url, ...PREFIX });
  expect(await (await clientOf(third.addr)).listPolicies()).toEqual(before);
});

test('a Redis that lost the latest changes in a failover gets them back', async () => {
  const { admin, clients } = await twoDaemons();
  const [first] = clients;
  await first.putPolicy(one);
  const [id, set] = (await admin.hmget('im:policies', 'id', 'set')) as [string, string];
  await first.setDefaultPolicy('one');
  await admin.hset('im:policies', 'id', id, 'set', set);
  await until(async () => (await admin.hget('im:policies', 'id')) !== id, 'the later state is written back');
  for (const client of clients)
    await until(
      async () => (await client.listPolicies()).defaultPolicy === 'one',
      'a daemon knows the later one',
    );
});

test('a change right after the loss is made on what was lost', async () => {
  const { admin, clients } = await twoDaemons();
  await clients[0].putPolicy(one);
  await admin.del('im:policies');
  await clients[0].putPolicy({ ...one, name: 'two' });
  expect((await clients[0].listPolicies()).policies.map(({ name }) => name)).toEqual(['one', 'two']);
});

test('policies survive a full Redis, and a daemon that starts again', async () => {
  const { admin, clients, redis } = await twoDaemons();
  await admin.config('SET', 'maxmemory', '1');
  await clients[0].putPolicy(one);
  await clients[0].setDefaultPolicy('one');
  await admin.config('SET', 'maxmemory', '0');
  const client = await clientOf((await startDaemon({ redis: redis.url, ...PREFIX })).addr);
  expect(await client.listPolicies()).toMatchObject({ defaultPolicy: 'one', policies: [{ version: 1 }] });
});

test('what is stored is limited', async () => {
  const client = await clientOf((await startDaemon()).addr);
  for (let i = 0; i < LIMITS.policies.max; i++) await client.putPolicy({ ...one, name: `p${i}` });
  await expect(client.putPolicy({ ...one, name: 'further' })).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  });
  expect((await client.listPolicies()).policies).toHaveLength(LIMITS.policies.max);
});

test('changes are acts of the audit trail, with the author of the policy', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ auth: { tokens: file.path } });
  const client = await adminOf(daemon, file);
  expect((await client.putPolicy(one)).policy.author).toBe('admin');
  await client.putPolicy(one);
  await client.setDefaultPolicy('openim-1');
  await client.deletePolicy('one');
  await expect(raw(daemon, file.tokens.writer).v1.putPolicy({ policy: { name: 'x' } })).rejects.toMatchObject(
    {
      code: PERMISSION_DENIED,
    },
  );
  await expect(client.deletePolicy('one')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const { records } = await client.listAudit();
  expect(
    records.map(({ action, outcome, target, detail }) => [action, outcome, target.type, target.name, detail]),
  ).toEqual([
    ['delete_policy', 'FAILED', 'policy', 'one', expect.stringContaining('there is no stored policy')],
    ['put_policy', 'DENIED', 'policy', undefined, expect.stringContaining('needs the role admin')],
    ['delete_policy', 'OK', 'policy', 'one', undefined],
    ['set_default_policy', 'OK', 'policy', 'openim-1', 'default policy keep-all to openim-1'],
    ['put_policy', 'OK', 'policy', 'one', 'version 1, unchanged'],
    ['put_policy', 'OK', 'policy', 'one', 'version 1'],
  ]);
});

test('metrics count rejected logins, and have the revision', async () => {
  const daemon = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
  const client = await clientOf(daemon.addr);
  await client.putPolicy(one);
  await client.setDefaultPolicy('one');
  await client.online(login('phone'));
  await client.online(login('web'));
  await client.validateLogin({ userId: 'alice' });
  const families = await scrape(daemon.http);
  expect(sumOf(families, 'imstate_policy_rejections_total', { policy: 'one' })).toBe(1);
  expect(sumOf(families, 'imstate_policy_revision')).toBe(2);
  expect(sumOf(families, 'imstate_transitions_total', { reason: 'LOGIN' })).toBe(1);
});

test('a daemon keeps the policies that it knows while the store does not answer', async () => {
  let set: PolicySet = putPolicy(NO_POLICIES, checkPolicy(one), 'ops').set;
  set = { ...set, defaultPolicy: 'one' };
  let isAway = false;
  const store = {
    featureLevel: 2,
    readPolicies: async (known: string) => {
      if (isAway) throw new Error('no connection');
      return known === set.id ? undefined : set;
    },
    writePolicies: async () => false,
  };
  const policies = new Policies(store, pino({ level: 'silent' }));
  await policies.open();
  isAway = true;
  const stop = new AbortController();
  const following = policies.follow(stop.signal);
  expect(policies.choose({ name: '', word: undefined }, false).name).toBe('one');
  stop.abort();
  await following;
  // Others change the policies each time: the change is not made, and says so.
  isAway = false;
  await expect(policies.put(checkPolicy({ ...one, name: 'x' }), 'ops')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('nothing was changed'),
  });
});
