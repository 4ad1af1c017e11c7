import { rename, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { TokenFile } from '../../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';

const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const SERVER = '10.0.0.1:9000';
const OTHER = '10.0.0.2:9000';

async function start() {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ auth: { tokens: file.path } });
  return { file, daemon };
}

function callerOf(daemon: TestDaemon, token: string | undefined) {
  const clients = grpcClients(daemon.addr, token);
  disposables.push(() => clients.close());
  return clients;
}

const login = (serverAddr: string) => ({ userId: 'alice', deviceId: 'phone', serverAddr });

test('ends only the streams whose token is revoked', async () => {
  const { file, daemon } = await start();
  const { v1 } = callerOf(daemon, file.tokens.writer);
  const other = callerOf(daemon, file.tokens.admin).v1.watch({ everything: true });
  const watch = v1.watch({ everything: true });
  const apply = v1.apply();
  const lease = v1.keepServerAlive();
  await apply.send({ operations: [{ online: login(SERVER) }] });
  await lease.send({ serverAddr: SERVER, incarnation: 1 });
  await until(() => watch.syncs > 0 && other.syncs > 0, 'both watches are synced');

  await file.remove('writer');
  const revoked = { code: UNAUTHENTICATED, details: 'token "writer" was revoked: use another one' };
  for (const stream of [watch, apply, lease]) expect(await stream.ended).toMatchObject(revoked);
  await expect(v1.getStats()).rejects.toMatchObject({ code: UNAUTHENTICATED });

  await callerOf(daemon, file.tokens.admin).v1.offline({ userId: 'alice', deviceId: 'phone' });
  await until(() => other.changes.some(({ online }) => !online), 'the other watch continues');
  other.cancel();
});

test('applies changed rights of a token, also to open streams', async () => {
  const { file, daemon } = await start();
  const { v1 } = callerOf(daemon, file.tokens.writer);
  const apply = v1.apply();
  await apply.send({ operations: [{ online: login(SERVER) }] });
  await file.edit((text) => text.replace('"role":"writer"', '"role":"reader"'));
  expect(await apply.ended).toMatchObject({
    code: UNAVAILABLE,
    details: expect.stringContaining('other rights'),
  });
  await expect(v1.online(login(SERVER))).rejects.toMatchObject({ code: PERMISSION_DENIED });
});

test('accepts a token as soon as the file lists it', async () => {
  const { file, daemon } = await start();
  const { v1 } = callerOf(daemon, await file.add('new', 'reader'));
  await until(() => v1.getStats().then(Boolean, () => false), 'the new token is accepted');
});

test('keeps the tokens of a file that breaks or disappears, and logs it without the contents', async () => {
  const { file, daemon } = await start();
  const { v1 } = callerOf(daemon, file.tokens.reader);
  const errors = () => daemon.logged.filter((line) => line.includes('stays in force'));

  await file.edit((text) => `${text}${file.tokens.admin}\n`);
  await until(() => errors().length === 1, 'the broken file is logged');
  expect(errors()[0]).toContain('line 4: it must be a JSON object');
  expect(errors()[0]).not.toContain(file.tokens.admin);
  await v1.getStats();

  await rename(file.path, `${file.path}.away`);
  await until(() => errors().length === 2, 'the missing file is logged');
  await v1.getStats();

  await writeFile(file.path, '# nobody\n\n');
  await until(
    () =>
      v1.getStats().then(
        () => false,
        () => true,
      ),
    'an empty list is accepted',
  );
});

test.each([
  ['not JSON', 'line 1: it must be a JSON object'],
  ['{"id":"a","server":"x"}', 'line 1: it may have id, sha256, role, servers, created, and no other key'],
  ['\n{"id":"a b"}', 'line 2: id must be 1 to 64 letters'],
  ['{"id":"a","sha256":"abc"}', 'line 1: sha256 must be a SHA-256 in 64 lower-case hex digits'],
  [entry({ role: 'boss' }), 'line 1: role must be one of reader, writer, admin'],
  [entry({ role: 'admin', servers: [SERVER] }), 'line 1: servers may only be with the role writer'],
  [entry({ servers: [] }), 'line 1: servers must be a list of HOST:PORT'],
  [entry({ created: 'yesterday' }), 'line 1: created must be a time'],
  [`${entry({})}\n${entry({})}`, 'line 2: id must be of one token; "a" is there twice'],
  [`${entry({})}\n${entry({ id: 'b' })}`, 'line 2: sha256 must be of one token'],
])('does not start with the file %s', async (text, reason) => {
  const { path } = await TokenFile.make();
  await writeFile(path, text);
  await expect(startDaemon({ auth: { tokens: path } })).rejects.toMatchObject({
    code: 'AUTH_FILE_UNUSABLE',
    message: expect.stringContaining(reason),
  });
});

test('does not start without its file', async () => {
  const { path } = await TokenFile.make();
  await rm(path);
  await expect(startDaemon({ auth: { tokens: path } })).rejects.toMatchObject({
    code: 'AUTH_FILE_UNUSABLE',
    message: expect.stringContaining(`--auth-tokens ${path}`),
  });
});

test('restricts logins and leases of a bound writer to its chat servers', async () => {
  const { file, daemon } = await start();
  await file.add('bound', 'writer', [SERVER]);
  const { v1, pb } = callerOf(daemon, file.tokens.bound);
  const mine = { userId: 'alice', deviceId: 'phone' };
  await until(() => v1.getStats().then(Boolean, () => false), 'the bound token is accepted');
  const denied = (field: string) => ({
    code: PERMISSION_DENIED,
    details: `${field} must be ${SERVER}, to which token "bound" is bound; this one is "${OTHER}"`,
  });

  await pb.online({ UserID: 'alice', DeviceID: 'phone', ServerAddr: SERVER });
  const elsewhere = pb.online({ UserID: 'alice', DeviceID: 'phone', ServerAddr: OTHER });
  await expect(elsewhere).rejects.toMatchObject(denied('ServerAddr'));
  await v1.online(login(SERVER));
  await expect(v1.online(login(OTHER))).rejects.toMatchObject(denied('server_addr'));

  const apply = v1.apply();
  const { results } = await apply.send({
    operations: [{ online: login(OTHER) }, { online: login(SERVER) }, { getUser: { userId: 'alice' } }],
  });
  expect(
    results?.map(({ error, online, getUser }) => error?.code ?? online?.endReason ?? getUser?.online),
  ).toEqual([PERMISSION_DENIED, 0, true]);
  apply.end();

  const lease = v1.keepServerAlive();
  await lease.send({ serverAddr: SERVER, incarnation: 1 });
  lease.end();
  const foreign = v1.keepServerAlive();
  await expect(foreign.send({ serverAddr: OTHER, incarnation: 1 })).rejects.toMatchObject(
    denied('server_addr'),
  );

  // Calls without a chat server are not restricted: see docs/auth.md.
  await callerOf(daemon, file.tokens.writer).v1.online({ ...login(OTHER), sessionId: 's-1' });
  expect(await v1.heartbeat({ sessions: [{ ...mine, sessionId: 's-1' }] })).toMatchObject({ ended: [] });
  expect(await v1.offline(mine)).toEqual({ applied: true });
});

test('lets a reader read through Apply, and rejects each of its changes', async () => {
  const { file, daemon } = await start();
  const apply = callerOf(daemon, file.tokens.reader).v1.apply();
  const session = { userId: 'alice', deviceId: 'phone', sessionId: 's-1' };
  const { results } = await apply.send({
    operations: [
      { getUser: { userId: 'alice' } },
      { online: login(SERVER) },
      { offline: { userId: 'alice', deviceId: 'phone' } },
      { heartbeat: session },
      { getUser: { userId: 'alice' } },
    ],
  });
  expect(results?.map(({ error }) => error?.code)).toEqual([
    undefined,
    ...[PERMISSION_DENIED, PERMISSION_DENIED, PERMISSION_DENIED],
    undefined,
  ]);
  expect(results?.[4]?.getUser?.online).toBe(false);
  apply.end();
});

test('logs denials with caller, method and reason, grouped if there are many', async () => {
  const { file, daemon } = await start();
  const { v1 } = callerOf(daemon, file.tokens.reader);
  for (let i = 0; i < 5; i++) {
    await expect(v1.offline({ userId: 'a', deviceId: 'b' })).rejects.toMatchObject({
      code: PERMISSION_DENIED,
    });
  }
  const lines = daemon.logged
    .filter((line) => line.includes('access denied'))
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([
    expect.objectContaining({
      method: '/imstate.v1.PresenceService/Offline',
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      caller: 'token "reader"',
      code: 'PERMISSION_DENIED',
    }),
  ]);
});

function entry(fields: object): string {
  const usual = { id: 'a', sha256: 'a'.repeat(64), role: 'writer', created: '2026-11-23T08:00:00Z' };
  return JSON.stringify({ ...usual, ...fields });
}
