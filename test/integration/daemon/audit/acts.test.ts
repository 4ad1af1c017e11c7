import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { AuditRecord } from '../../../../packages/client/src/index.ts';
import { connect } from '../../../../packages/client/src/index.ts';
import { ACTS } from '../../../../src/daemon/audit/acts.ts';
import { METHOD_RULES } from '../../../../src/daemon/auth/roles.ts';
import type { ApiParts } from '../../../../src/daemon/http/api/apiCall.ts';
import { apiRoutes } from '../../../../src/daemon/http/api/calls.ts';
import { logLevelRoutes } from '../../../../src/daemon/http/logLevel.ts';
import { Authority } from '../../../support/authority.ts';
import {
  AUDIENCE,
  ISSUER,
  Issuer,
  keysFile,
  scratchDirectory,
  TokenFile,
} from '../../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { startImstate } from '../../../support/imstate.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json' };
const PEER = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
const alice = { userId: 'alice', deviceId: 'phone', sessionId: 's1', serverAddr: '10.0.0.1:9000' };
const NOTHING = {
  userId: undefined,
  deviceId: undefined,
  sessionId: undefined,
  serverAddr: undefined,
  name: undefined,
};

/** A client of the daemon with this token, until the end of the test. */
async function callerOf({ addr }: Pick<TestDaemon, 'addr'>, token?: string) {
  const client = await connect({ endpoints: [addr], token, timeoutMs: 30_000 });
  disposables.push(() => client.close());
  return client;
}

/** The audit trail without what differs in each run, the first first. */
async function trailOf(daemon: Pick<TestDaemon, 'addr'>, token?: string): Promise<Partial<AuditRecord>[]> {
  const { records } = await (await callerOf(daemon, token)).listAudit();
  return records.reverse().map(({ id, time, requestId, ...record }) => record);
}

/** A log at this level, and its lines about administrative acts. */
function auditLog(level = 'info') {
  const lines: string[] = [];
  const log = pino({ level }, { write: (line) => void lines.push(line) });
  const acts = () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'administrative act');
  return { log, lines, acts };
}

test('declares every method that requires an admin as an act', () => {
  const admins = Object.keys(METHOD_RULES).filter((path) => METHOD_RULES[path]?.role === 'admin');
  expect(Object.keys(ACTS).filter((path) => path.startsWith('/'))).toEqual(admins);
});

test('declares every route that requires an admin as an act', () => {
  const routes = [...logLevelRoutes(pino({ level: 'silent' })), ...apiRoutes({} as ApiParts)];
  const admins = routes.filter(({ role }) => role === 'admin').map(({ method, path }) => `${method} ${path}`);
  expect(
    Object.keys(ACTS)
      .filter((path) => !path.startsWith('/'))
      .sort(),
  ).toEqual(admins.sort());
});

test('records evictions by gRPC before they are answered, and writes a line each', async () => {
  const { log, acts } = auditLog();
  const file = await TokenFile.make();
  const daemon = await startDaemon({ log, auth: { tokens: file.path } });
  const admin = await callerOf(daemon, file.tokens.admin);
  await admin.online(alice);
  await admin.online({ ...alice, deviceId: 'web' });
  await admin.evict({ session: { userId: 'alice', deviceId: 'phone', sessionId: 's1' } });
  await admin.evict({ userId: 'alice' });
  await admin.evict({ serverAddr: '10.0.0.1:9000' });
  const by = {
    action: 'evict',
    identity: { kind: 'TOKEN', name: 'admin' },
    role: 'admin',
    source: PEER,
    outcome: 'OK',
    code: undefined,
    omitted: 0,
    daemon: daemon.addr,
    via: 'GRPC',
  };
  const session = { type: 'session', userId: 'alice', deviceId: 'phone', sessionId: 's1' };
  expect(await trailOf(daemon, file.tokens.admin)).toEqual([
    { ...by, target: { ...NOTHING, ...session }, detail: 'sessions ended: 1' },
    { ...by, target: { ...NOTHING, type: 'user', userId: 'alice' }, detail: 'sessions ended: 1' },
    {
      ...by,
      target: { ...NOTHING, type: 'server', serverAddr: '10.0.0.1:9000' },
      detail: 'sessions ended: 0',
    },
  ]);
  const [first] = acts();
  expect(first).toMatchObject({
    level: 30,
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    action: 'evict',
    identity: { kind: 'TOKEN', name: 'admin' },
    target: session,
    outcome: 'OK',
    detail: 'sessions ended: 1',
    requestId: expect.stringMatching(/./),
  });
  expect(acts()).toHaveLength(3);
});

test('records acts by HTTP in the same form, with the request ID of the caller', async () => {
  const { log } = auditLog();
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, log, auth: { tokens: file.path } });
  const headers = { ...json, authorization: `Bearer ${file.tokens.admin}`, 'x-request-id': 'ticket-7' };
  const send = (path: string, body: object) =>
    ask(`${daemon.http}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect((await send('/api/v1/evict', { userId: 'alice' })).status).toBe(200);
  expect((await send('/admin/log-level', { level: 'warn' })).status).toBe(200);
  const by = {
    identity: { kind: 'TOKEN', name: 'admin' },
    role: 'admin',
    source: PEER,
    outcome: 'OK',
    via: 'HTTP',
  };
  const { records } = await (await callerOf(daemon, file.tokens.admin)).listAudit();
  expect(records.reverse()).toMatchObject([
    { ...by, action: 'evict', target: { type: 'user', userId: 'alice' }, requestId: 'ticket-7' },
    {
      ...by,
      action: 'set_log_level',
      target: { type: 'daemon' },
      detail: 'log level warn',
      requestId: 'ticket-7',
    },
  ]);
});

test('writes the line at any log level', async () => {
  const { log, acts } = auditLog('error');
  const daemon = await startDaemon({ log });
  await (await callerOf(daemon)).evict({ userId: 'alice' });
  expect(acts()).toMatchObject([{ level: 30, action: 'evict' }]);
});

test('names who acted by JWT, by certificate, and without a credential', async () => {
  const [issuer, authority] = await Promise.all([Issuer.make(), Authority.make()]);
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: await keysFile(issuer) };
  const byJwt = await startDaemon({ auth: { jwt } });
  const admin = await issuer.sign({ sub: 'anna@example.org', imstate_role: 'admin' });
  await (await callerOf(byJwt, admin)).evict({ userId: 'alice' });
  expect(await trailOf(byJwt, admin)).toMatchObject([
    { identity: { kind: 'JWT', name: 'anna@example.org' } },
  ]);

  const open = await startDaemon();
  await (await callerOf(open)).evict({ userId: 'alice' });
  const anonymous = { identity: { kind: 'ANONYMOUS', name: 'anonymous' }, role: 'admin' };
  expect(await trailOf(open)).toMatchObject([anonymous]);

  const pair = await authority.issue({ subject: 'ops' });
  const tls = await startDaemon({ tls: { ...pair, ca: authority.file } });
  const client = await connect({
    endpoints: [tls.addr],
    tls: { ca: authority.file, cert: pair.cert, key: pair.key },
    timeoutMs: 30_000,
  });
  disposables.push(() => client.close());
  await client.evict({ userId: 'alice' });
  const { records } = await client.listAudit();
  expect(records).toMatchObject([{ identity: { kind: 'CERTIFICATE', name: 'CN:ops' }, role: 'admin' }]);
});

test('records no request that breaks a rule, and no read', async () => {
  const daemon = await startDaemon({ http });
  const client = await callerOf(daemon);
  await client.checkEvict();
  await expect(client.evict({ userId: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  const bad = { method: 'POST', headers: json, body: '{"level":"loud"}' };
  expect((await ask(`${daemon.http}/admin/log-level`, bad)).status).toBe(400);
  expect((await ask(`${daemon.http}/admin/log-level`)).status).toBe(200);
  expect((await ask(`${daemon.http}/api/v1/audit`)).text).toBe('{"records":[],"nextPageToken":null}\n');
  expect(await trailOf(daemon)).toEqual([]);
});

test('records which tokens and certificates a file adds, changes and removes', async () => {
  const file = await TokenFile.make();
  const authority = await Authority.make();
  const certificates = join(await scratchDirectory(), 'certificates.ndjson');
  await writeFile(certificates, '{"cn":"ops","role":"admin"}\n');
  const tls = { ...(await authority.issue()), ca: undefined };
  const daemon = await startDaemon({ auth: { tokens: file.path, certificates }, tls, http });
  const trail = async () => {
    const headers = { authorization: `Bearer ${file.tokens.admin}` };
    const answer = await ask(`${daemon.http}/api/v1/audit`, { headers, rejectUnauthorized: false });
    return JSON.parse(answer.text).records.reverse();
  };
  const reaches = (count: number) => until(async () => (await trail()).length === count, `${count} records`);
  await file.add('chat-1', 'writer');
  await reaches(1);
  await file.edit((text) => text.replace('"role":"writer"', '"role":"admin"'));
  await reaches(2);
  await file.remove('chat-1');
  await reaches(3);
  await writeFile(certificates, '{"cn":"ops","role":"reader"}\n');
  await reaches(4);
  const by = { identity: { kind: 'HOST', name: 'host' }, source: null, via: 'FILE', requestId: null };
  expect(await trail()).toMatchObject([
    { ...by, action: 'add_token', target: { type: 'token', name: 'chat-1' }, detail: 'role writer' },
    { ...by, action: 'change_token', target: { name: 'writer' }, detail: 'role admin instead of writer' },
    { ...by, action: 'remove_token', target: { name: 'chat-1' }, detail: 'role writer' },
    { ...by, action: 'change_certificate', target: { type: 'certificate', name: 'CN:ops' } },
  ]);
});

test('of many tokens that change together, records some and the number of the others', async () => {
  const file = await TokenFile.make();
  const others = await TokenFile.make();
  for (let i = 0; i < 50; i++) await others.add(`chat-${i}`, 'reader');
  const daemon = await startDaemon({ auth: { tokens: file.path } });
  const lines = (await readFile(others.path, 'utf8')).split('\n').filter((line) => line.includes('chat-'));
  await file.edit((text) => `${text}${lines.join('\n')}\n`);
  const admin = await callerOf(daemon, file.tokens.admin);
  await until(async () => (await admin.listAudit()).records.length === 20, 'the records are there');
  const { records } = await admin.listAudit();
  expect(
    records
      .map(({ omitted }) => omitted)
      .sort((a, b) => b - a)
      .slice(0, 2),
  ).toEqual([30, 0]);
});

test('records the log level that a signal sets', async () => {
  const daemon = await startImstate('serve', '--port', '0', '--log-format', 'json');
  disposables.push(() => daemon.kill());
  daemon.signal('SIGUSR2');
  const client = await clientOf(daemon.addr);
  await until(async () => (await client.listAudit()).records.length === 1, 'the signal is recorded');
  expect((await client.listAudit()).records).toMatchObject([
    { action: 'set_log_level', identity: { kind: 'HOST' }, via: 'SIGNAL', detail: 'log level debug' },
  ]);
});

test('filters by time, identity, action, user and outcome, page by page', async () => {
  const file = await TokenFile.make();
  await file.add('other', 'admin');
  const daemon = await startDaemon({ auth: { tokens: file.path } });
  const admin = await callerOf(daemon, file.tokens.admin);
  const other = await callerOf(daemon, file.tokens.other);
  for (let i = 0; i < 30; i++) await (i % 3 === 0 ? other : admin).evict({ userId: i % 2 ? 'alice' : 'bob' });
  const all = (await admin.listAudit()).records;
  expect(all).toHaveLength(30);
  const identities = async (filter: object) =>
    (await admin.listAudit(filter)).records.map(({ identity, target }) => [identity.name, target.userId]);
  expect(await identities({ identity: 'other' })).toHaveLength(10);
  expect(await identities({ identity: 'other', userId: 'alice' })).toEqual(Array(5).fill(['other', 'alice']));
  expect(await identities({ action: 'set_log_level' })).toEqual([]);
  expect(await identities({ outcome: 'FAILED' })).toEqual([]);
  const since = all[9]?.time as Date;
  expect((await admin.listAudit({ since })).records.length).toBeGreaterThanOrEqual(10);
  expect((await admin.listAudit({ since: new Date(Date.now() + 60_000) })).records).toEqual([]);
  const ids: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await admin.listAudit({ identity: 'admin', pageSize: 7, pageToken });
    ids.push(...page.records.map(({ id }) => id));
    pageToken = page.nextPageToken;
    await other.evict({ userId: 'carol' });
  } while (pageToken !== undefined);
  expect(ids).toEqual(all.filter(({ identity }) => identity.name === 'admin').map(({ id }) => id));
  const v1 = grpcClients(daemon.addr, file.tokens.admin);
  disposables.push(() => v1.close());
  for (const wrong of [
    { outcome: 9 as never },
    { pageSize: 1_001 },
    { pageToken: 'x' },
    { userId: 'a\nb' },
    { action: 'EVICT' },
  ])
    await expect(v1.v1.listAudit(wrong)).rejects.toMatchObject({ code: 3 });
});
