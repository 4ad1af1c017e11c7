import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientOf, disposables } from '../../support/disposables.ts';
import { runFirstVersion, startFirstVersion } from '../../support/firstVersion.ts';
import { type Imstate, runImstate, startImstate } from '../../support/imstate.ts';
import { field, numberField } from '../../support/protobuf.ts';
import { frame, rawGrpc } from '../../support/rawGrpc.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

const OLDER = /FinishUpgrade needs imstate 0\.2\.0 or later, and a daemon at 127\.0\.0\.1:\d+ is older/;

function killed(daemon: Imstate): Imstate {
  disposables.push(() => daemon.kill());
  return daemon;
}

test('a client names the version that a method needs which the daemon does not have', async () => {
  const { addr } = killed(await startFirstVersion('serve', '--port', '0'));
  const client = await clientOf(addr);
  await expect(client.finishUpgrade()).rejects.toMatchObject({
    code: 'UNIMPLEMENTED',
    message: expect.stringMatching(OLDER),
  });
  const status = await runImstate(['upgrade', 'status', '--endpoint', addr]);
  expect(status).toMatchObject({ exitCode: 1, stdout: '' });
  expect(status.stderr).toContain('GetFeatureLevel needs imstate 0.2.0 or later');
  const finish = await runImstate(['upgrade', 'finish', '--endpoint', addr, '--yes', '--force']);
  expect(finish.exitCode).toBe(1);
  expect(finish.stderr).toMatch(OLDER);
  // Everything else works as before.
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: true });
});

test('commands say what a daemon of the first version did not do', async () => {
  const { addr } = killed(await startFirstVersion('serve', '--port', '0'));
  const run = (...args: string[]) => runImstate([...args, '--endpoint', addr]);
  const login = ['online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000'];
  const { exitCode, stderr } = await run(...login, '--label', 'Phone');
  expect([exitCode, stderr]).toEqual([
    0,
    'warning: a daemon is older than 0.2.0 and ignored --client-ip, --label and --app-version: update it\n',
  ]);
  expect(JSON.parse((await run(...login, '--label', 'Phone', '--json')).stdout)).toMatchObject({
    detailsStored: false,
  });
  const evicted = await run('evict', 'alice', 'phone', '--yes', '--reason', 'stolen');
  expect([evicted.exitCode, evicted.stdout, evicted.stderr]).toEqual([
    0,
    '1 session was evicted\n',
    'warning: a daemon is older than 0.2.0 and ignored the reason: update it\n',
  ]);
  await run(...login);
  const json = await run('evict', 'alice', 'phone', '--yes', '--reason', 'stolen', '--json');
  expect(JSON.parse(json.stdout)).toEqual({ evicted: 1, reasonStored: false });

  expect((await run('query', 'alice')).stdout).toMatch(/^alice is offline\n/);
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  const file = join(folder.path, 'records.ndjson');
  await writeFile(file, '{"userId":"bob","deviceId":"phone","label":"Phone"}\n');
  const logins = await run('online', '--file', file, '--server-addr', '10.0.0.1:9000');
  expect(logins.stderr).toContain('ignored --client-ip, --label and --app-version');
  await writeFile(file, '{"userId":"bob","reason":"stolen"}\n');
  const evictions = await run('evict', '--file', file, '--yes', '--json');
  expect(JSON.parse(evictions.stdout)).toEqual({ line: 1, userId: 'bob', evicted: 1, reasonStored: false });
  expect(evictions.stderr).toContain('ignored the reason');
  for (const args of [['audit'], ['user', 'export', 'alice'], ['user', 'erase', 'alice', '--yes']])
    expect((await run(...args)).stderr).toContain('needs imstate 0.2.0 or later');
});

test('a daemon of the first version ignores a field that it does not know', async () => {
  const { addr } = killed(await startFirstVersion('serve', '--port', '0'));
  const raw = rawGrpc(addr);
  disposables.push(() => raw.destroy());
  const known = [field(1, 'alice'), field(2, 'phone'), field(3, '10.0.0.1:9000')];
  const login = Buffer.concat([...known, field(15, 'of a later version'), numberField(14, 7)]);
  const { headers } = await raw.send('/imstate.v1.PresenceService/Online', frame(login));
  expect(headers['grpc-status']).toBe('0');
  const client = await clientOf(addr);
  expect(await client.getUser({ userId: 'alice' })).toMatchObject({
    devices: [{ online: true, serverAddr: '10.0.0.1:9000' }],
  });
});

test('commands of the first version work with a daemon of this one', async () => {
  const { addr } = killed(await startImstate('serve', '--port', '0'));
  const run = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await runFirstVersion(...args, '--endpoint', addr, '--json');
    expect(stderr).toBe('');
    return { exitCode, ...JSON.parse(stdout) };
  };
  const login = ['online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000', '--session', 's-1'];
  expect(await run(...login, '--ttl', '1h', '--platform', 'ios')).toMatchObject({
    sessionId: 's-1',
    replaced: [],
  });
  expect(await run('query', 'alice')).toMatchObject({
    online: true,
    devices: [{ deviceId: 'phone', sessionId: 's-1', platform: 'ios' }],
  });
  expect(await run('stats')).toMatchObject({ usersOnline: 1, devicesOnline: 1 });
  expect(await run('sessions')).toMatchObject({ sessions: [{ userId: 'alice' }] });
  expect(await run('servers')).toMatchObject({ servers: [{ serverAddr: '10.0.0.1:9000', sessions: 1 }] });
  expect(await run('wait', 'alice', '--for', 'online')).toMatchObject({ reached: true });
  expect(await run('offline', 'alice', 'phone', '--session', 's-1')).toMatchObject({ applied: true });
  expect(await run('history', 'alice')).toMatchObject({ entries: [{ sessionId: 's-1', reason: 'LOGOUT' }] });
  expect(await run('endpoints')).toMatchObject({ endpoints: [{ addr, health: 'SERVING' }] });
});

/** Chat servers with leases, crashes and watches, and users that move between them. */
const SIMULATE = [
  'simulate',
  '--duration',
  '3s',
  '--users',
  '30',
  '--servers',
  '2',
  '--session-length',
  '1s',
];

test.each([
  {
    daemon: 'the first version',
    start: startFirstVersion,
    client: 'this one',
    run: (args: string[]) => runImstate(args),
  },
  {
    daemon: 'this version',
    start: startImstate,
    client: 'the first one',
    run: (args: string[]) => runFirstVersion(...args),
  },
])('a daemon of $daemon serves the simulated chat servers of $client', async ({ start, run }) => {
  const { addr } = killed(await start('serve', '--port', '0'));
  const { stdout, exitCode } = await run([...SIMULATE, '--endpoint', addr, '--json']);
  const { calls, errors } = JSON.parse(stdout);
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
  expect(calls.online.calls).toBeGreaterThan(10);
});
