import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Authority } from '../../../support/authority.ts';
import { TokenFile } from '../../../support/credentials.ts';
import { grpcClients } from '../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { runImstate, startImstate } from '../../../support/imstate.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json' };
const PEER = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
const alice = { userId: 'alice', deviceId: 'phone', sessionId: 's1', serverAddr: '10.0.0.1:9000' };

/** A log at the default level, and its lines about evictions. */
function infoLog() {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  return { log, evictions: () => evictionsIn(logged) };
}

function evictionsIn(lines: string[]): Record<string, unknown>[] {
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => /^sessions (were|could not be) evicted$/.test(msg))
    .map(({ time, pid, hostname, ...line }) => line);
}

function callerOf(addr: string, token?: string) {
  const clients = grpcClients(addr, token);
  disposables.push(() => clients.close());
  return clients.v1;
}

test('logs an eviction by gRPC in one line with caller, peer, target and count', async () => {
  const { log, evictions } = infoLog();
  const file = await TokenFile.make();
  const { addr } = await startDaemon({ log, auth: { tokens: file.path } });
  const v1 = callerOf(addr, file.tokens.admin);
  const by = { level: 30, method: '/imstate.v1.PresenceService/Evict', caller: 'token "admin"', peer: PEER };
  const line = { ...by, more: false, msg: 'sessions were evicted' };
  await v1.online(alice);
  await v1.online({ ...alice, deviceId: 'web' });
  await v1.evict({ session: { userId: 'alice', deviceId: 'phone', sessionId: 's1' } });
  await v1.evict({ userId: 'alice' });
  await v1.evict({ serverAddr: '10.0.0.1:9000' });
  expect(evictions()).toEqual([
    { ...line, user: 'alice', device: 'phone', session: 's1', evicted: 1 },
    { ...line, user: 'alice', evicted: 1 },
    { ...line, serverAddr: '10.0.0.1:9000', evicted: 0 },
  ]);
});

test('logs the same line for an eviction by HTTP', async () => {
  const { log, evictions } = infoLog();
  const file = await TokenFile.make();
  const { http: url, addr } = await startDaemon({ http, log, auth: { tokens: file.path } });
  const headers = { ...json, authorization: `Bearer ${file.tokens.admin}` };
  await callerOf(addr, file.tokens.writer).online(alice);
  const body = '{"userId":"alice","deviceId":"phone","sessionId":"s1"}';
  expect((await ask(`${url}/api/v1/evict`, { method: 'POST', headers, body })).status).toBe(200);
  expect(evictions()).toEqual([
    {
      level: 30,
      method: '/imstate.http/evict',
      caller: 'token "admin"',
      peer: PEER,
      user: 'alice',
      device: 'phone',
      session: 's1',
      evicted: 1,
      more: false,
      msg: 'sessions were evicted',
    },
  ]);
});

test('names the client certificate, or its absence, without authentication', async () => {
  const { log, evictions } = infoLog();
  const authority = await Authority.make();
  const pair = await authority.issue();
  const admin = await authority.issue({ subject: 'ops' });
  const daemon = await startDaemon({ log, http, tls: { ...pair, ca: authority.file } });
  const tls = { ca: authority.file, cert: admin.cert, key: admin.key };
  const { exitCode } = await runImstate([
    'evict',
    '--user',
    'alice',
    '--yes',
    '--endpoint',
    daemon.addr,
    '--tls',
    '--tls-ca',
    tls.ca,
    '--tls-cert',
    tls.cert,
    '--tls-key',
    tls.key,
  ]);
  expect(exitCode).toBe(0);
  const plain = infoLog();
  const open = await startDaemon({ log: plain.log });
  await (await clientOf(open.addr)).evict({ userId: 'alice' });
  expect(evictions()).toMatchObject([{ caller: 'the client certificate CN:ops', peer: PEER }]);
  expect(plain.evictions()).toMatchObject([{ caller: 'anonymous', peer: PEER }]);
});

test('logs a denied eviction with caller and peer, and a failed one with the reason', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const file = await TokenFile.make();
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const { addr } = await startDaemon({ log, redis: redis.url, auth: { tokens: file.path } });
  await expect(callerOf(addr, file.tokens.writer).evict({ userId: 'alice' })).rejects.toMatchObject({
    code: 7,
  });
  expect(logged.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      level: 40,
      method: '/imstate.v1.PresenceService/Evict',
      caller: 'token "writer"',
      peer: PEER,
      code: 'PERMISSION_DENIED',
    }),
  );
  await redis.kill();
  const evict = callerOf(addr, file.tokens.admin).evict({ userId: 'alice' });
  await expect(evict).rejects.toMatchObject({ code: 14 });
  expect(evictionsIn(logged)).toMatchObject([
    {
      level: 40,
      caller: 'token "admin"',
      user: 'alice',
      code: 'STORE_UNAVAILABLE',
      reason: expect.any(String),
    },
  ]);
});

test('logs the attempt of a page of another origin', async () => {
  const { http: url, logged } = await startDaemon({ http });
  const headers = { ...json, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
  const answer = await ask(`${url}/api/v1/evict`, { method: 'POST', headers, body: '{"userId":"alice"}' });
  expect(answer.status).toBe(403);
  expect(logged.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      level: 40,
      method: 'POST /api/v1/evict',
      peer: PEER,
      code: 'PERMISSION_DENIED',
    }),
  );
});

test('logs evictions by the command, with escaped text', async () => {
  const daemon = await startImstate('serve', '--port', '0', '--log-format', 'json');
  disposables.push(() => daemon.kill());
  const user = 'eve\u202e\u2066"\u2028{"msg":"forged"}';
  const { exitCode, stdout } = await runImstate([
    'evict',
    '--user',
    user,
    '--yes',
    '--endpoint',
    daemon.addr,
  ]);
  expect([exitCode, stdout]).toEqual([0, '0 sessions were evicted\n']);
  const lines = () =>
    daemon
      .stderr()
      .split('\n')
      .filter((line) => line.includes('sessions were evicted'));
  const [line = ''] = await until(() => lines().length === 1, 'the eviction is logged').then(lines);
  expect(JSON.parse(line)).toMatchObject({ user, caller: 'anonymous', peer: PEER, evicted: 0 });
  expect(line).not.toMatch(/[\u2028\u202e\u2066]/);
});
