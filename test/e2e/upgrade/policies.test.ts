import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Client, EndedSession, Policy } from '../../../packages/client/src/index.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { clientOf, disposables } from '../../support/disposables.ts';
import { runFirstVersion, startFirstVersion } from '../../support/firstVersion.ts';
import { type Imstate, runImstate, startImstate } from '../../support/imstate.ts';
import { until } from '../../support/until.ts';
import { stop, Versions } from './versions.ts';

// Several daemons start in each test.
vi.setConfig({ testTimeout: 180_000 });

const ONE_PHONE: Policy = {
  name: 'one-phone',
  classes: { mobile: ['ios', 'android'] },
  limits: [{ per: 'class', class: 'mobile', max: 1, onConflict: 'REJECT' }],
};
const serverAddr = '10.0.0.1:9000';
const phone = { userId: 'alice', deviceId: 'phone', platform: 'ios', serverAddr };
const tablet = { userId: 'alice', deviceId: 'tablet', platform: 'android', serverAddr };
const IGNORED =
  'warning: a daemon is older than 0.2.0 and ignored --policy: it ended no session and rejected nothing; update it\n';

function killed(daemon: Imstate): Imstate {
  disposables.push(() => daemon.kill());
  return daemon;
}

/** The devices of alice that are online. */
async function online(client: Client): Promise<string[]> {
  const { devices } = await client.getUser({ userId: 'alice' });
  return devices.filter((each) => each.online).map(({ deviceId }) => deviceId);
}

/** A daemon of each version on a store of the first one. */
async function bothVersions() {
  const versions = new Versions();
  const old = await versions.startOld();
  const upgraded = await versions.startNew();
  return { versions, old, upgraded, toOld: await clientOf(old.addr), toNew: await clientOf(upgraded.addr) };
}

test('a default policy waits for the end of the upgrade', async () => {
  const { versions, old, upgraded, toOld, toNew } = await bothVersions();
  expect(await toNew.putPolicy(ONE_PHONE)).toMatchObject({ changed: true });
  for (const name of ['one-phone', 'openim-1']) {
    const early = await runImstate(['policy', 'set-default', name, '--endpoint', upgraded.addr]);
    expect(early).toEqual({
      stdout: '',
      stderr: expect.stringMatching(/^Error: .*; nothing was changed: run imstate upgrade finish once all/),
      exitCode: 2,
    });
    await expect(toNew.setDefaultPolicy(name)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  }
  expect(await toNew.listPolicies()).toMatchObject({
    defaultPolicy: 'keep-all',
    revision: 1,
    policies: [{ name: 'one-phone' }],
  });
  await toOld.online(phone);
  expect(await toNew.online(tablet)).toMatchObject({ rejected: false, policy: undefined });
  expect(await toNew.setDefaultPolicy('keep-all')).toMatchObject({ previous: 'keep-all' });
  expect(await versions.storedLevel()).toBe('1');

  await stop(old);
  const finish = ['upgrade', 'finish', '--yes', '--endpoint', upgraded.addr];
  expect((await runImstate(finish)).stdout).toBe('the feature level was raised from 1 to 2\n');
  const late = await runImstate(['policy', 'set-default', 'one-phone', '--endpoint', upgraded.addr]);
  expect(late).toMatchObject({
    stdout: 'one-phone is the default policy now, instead of keep-all\n',
    exitCode: 0,
  });
  expect(await toNew.online({ ...phone, deviceId: 'phone-2' })).toMatchObject({
    rejected: true,
    policy: 'one-phone',
    conflicts: [{ deviceId: 'phone' }, { deviceId: 'tablet' }],
  });
});

test('a daemon of the first version works beside policies, and its sessions count', async () => {
  const { versions, upgraded, toOld, toNew } = await bothVersions();
  await toNew.putPolicy(ONE_PHONE);
  const ended: EndedSession[] = [];
  const server = toOld.server({ addr: serverAddr, leaseTtlMs: 60_000, onEnded: (one) => ended.push(one) });
  disposables.push(() => server.close());
  await server.ready;
  const { sessionId } = await server.online(phone);
  const late = await toNew.online({ ...tablet, policy: 'one-phone' });
  expect(late).toMatchObject({ rejected: true, conflicts: [{ deviceId: 'phone', sessionId, serverAddr }] });
  expect(await online(toOld)).toEqual(['phone']);
  const kick = await toNew.online({ ...tablet, serverAddr: '10.0.0.2:9000', policy: 'openim-2' });
  expect(kick).toMatchObject({ policy: 'openim-2', replaced: [{ deviceId: 'phone', sessionId }] });
  await until(() => ended.length > 0, 'the older daemon delivers the end');
  expect(ended).toMatchObject([{ sessionId, reason: 'REPLACED' }]);
  expect(await online(toOld)).toEqual(['tablet']);

  // Policies outlast a downgrade.
  await stop(upgraded);
  const second = await clientOf((await versions.startOld()).addr);
  expect(await second.offline(tablet)).toEqual({ applied: true });
  await second.online(phone);
  const again = await clientOf((await versions.startNew()).addr);
  expect(await again.listPolicies()).toMatchObject({ revision: 1, policies: [{ name: 'one-phone' }] });
  expect(await again.online({ ...tablet, policy: 'one-phone' })).toMatchObject({ rejected: true });
});

test('a daemon of the first version carries a login out whose policy it does not know', async () => {
  const { addr } = killed(await startFirstVersion('serve', '--port', '0'));
  const client = await clientOf(addr);
  await client.online(phone);
  expect(await client.online({ ...tablet, policy: 'turms-one-device-reject' })).toMatchObject({
    rejected: false,
    endReason: undefined,
    policy: undefined,
    replaced: [],
    conflicts: [],
    limit: undefined,
  });
  expect((await online(client)).sort()).toEqual(['phone', 'tablet']);
  // The three words are older than policies.
  expect(await client.online({ ...phone, deviceId: 'phone-2', policy: 'replace-all' })).toMatchObject({
    policy: undefined,
    replaced: [{ reason: 'REPLACED' }, { reason: 'REPLACED' }],
  });
  expect(await online(client)).toEqual(['phone-2']);
});

test('commands say that a daemon of the first version ignored a policy', async () => {
  const { addr } = killed(await startFirstVersion('serve', '--port', '0'));
  const run = (...args: string[]) => runImstate([...args, '--endpoint', addr]);
  const login = ['online', 'alice', 'phone', '--server-addr', serverAddr];
  expect(await run(...login, '--policy', 'openim-1')).toEqual({
    stdout: expect.stringMatching(/^alice\/phone is online /),
    stderr: IGNORED,
    exitCode: 0,
  });
  const json = await run(...login, '--policy', 'openim-1', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ policy: null, rejected: false });
  for (const policy of ['keep-all', 'REPLACE_ALL'])
    expect((await run(...login, '--policy', policy)).stderr).toBe('');

  const file = join(await scratchDirectory(), 'logins.ndjson');
  const records = ['bob', 'carol'].map((userId) => ({ userId, deviceId: 'phone', policy: 'openim-1' }));
  await writeFile(file, records.map((each) => JSON.stringify(each)).join('\n'));
  const batch = await run('online', '--file', file, '--server-addr', serverAddr);
  expect(batch.exitCode).toBe(0);
  expect(batch.stderr).toMatch(/^warning: .* ignored --policy: [^\n]*\n2 online, 0 unchanged, 0 failed in/);
});

test('a login cannot be tried, and policies not be managed, on a daemon of the first version', async () => {
  const { addr } = killed(await startFirstVersion('serve', '--port', '0'));
  const client = await clientOf(addr);
  const { userId, deviceId, platform } = phone;
  const unimplemented = (message: string) => ({
    code: 'UNIMPLEMENTED',
    message: expect.stringContaining(message),
  });
  for (const trial of [{ userId }, { userId, deviceId, platform }, { userId, deviceId, policy: 'openim-1' }])
    await expect(client.validateLogin(trial)).rejects.toMatchObject(unimplemented('older than 0.2.0'));
  expect((await client.getUser({ userId })).devices).toEqual([]);
  expect((await client.getStats()).devicesOnline).toBe(0);
  // What is wrong with a request is said as ever.
  await expect(client.validateLogin({ userId: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });

  await expect(client.putPolicy(ONE_PHONE)).rejects.toMatchObject(unimplemented('needs imstate 0.2.0'));
  await expect(client.setDefaultPolicy('openim-1')).rejects.toMatchObject(unimplemented('needs imstate'));
  for (const command of ['list', 'show openim-1', 'set-default openim-1', 'delete x', 'explain alice']) {
    const { stdout, stderr, exitCode } = await runImstate([
      'policy',
      ...command.split(' '),
      '--endpoint',
      addr,
    ]);
    expect([command, stdout, exitCode]).toEqual([command, '', 1]);
    expect(stderr).toContain('0.2.0');
  }
});

/** A daemon of this version that lets a user have one device, and one session that reaches the limit. */
async function strictDaemon() {
  const { addr } = killed(await startImstate('serve', '--port', '0'));
  const client = await clientOf(addr);
  await client.setDefaultPolicy('turms-one-device-reject');
  await client.online({ ...phone, sessionId: 's-1' });
  const login = (session: string, ...flags: string[]) =>
    runFirstVersion(
      ...['online', 'alice', 'tablet', '--server-addr', serverAddr, '--session', session],
      ...['--endpoint', addr, ...flags],
    );
  return { addr, client, login };
}

test('a strict default fails no call of the first version', async () => {
  const { addr, client, login } = await strictDaemon();
  const { stderr, stdout } = await login('s-2', '--json');
  expect([stderr, JSON.parse(stdout)]).toEqual(['', expect.objectContaining({ sessionId: 's-2' })]);
  expect(await online(client)).toEqual(['phone']);
  // It knows the three words, which a caller without a role may choose.
  expect(JSON.parse((await login('s-3', '--policy', 'replace-all', '--json')).stdout)).toMatchObject({
    sessionId: 's-3',
    endReason: null,
    replaced: [{ sessionId: 's-1' }],
  });
  expect(await online(client)).toEqual(['tablet']);

  const simulate = ['simulate', '--duration', '3s', '--users', '20', '--servers', '2'];
  const simulated = await runFirstVersion(
    ...simulate,
    '--session-length',
    '1s',
    '--endpoint',
    addr,
    '--json',
  );
  const { calls, errors } = JSON.parse(simulated.stdout);
  expect({ exitCode: simulated.exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
  expect(calls.online.calls).toBeGreaterThan(10);
});

test('the first version treats a rejected login as online: upgrade clients first', async () => {
  const { client, login } = await strictDaemon();
  // It knows no word for the end reason of the answer, and reads it as none. docs/policies.md says so.
  expect((await login('s-2')).stdout).toContain('is online');
  expect(JSON.parse((await login('s-2', '--json')).stdout)).toMatchObject({
    endReason: null,
    loginTime: null,
  });
  expect(await online(client)).toEqual(['phone']);
});
