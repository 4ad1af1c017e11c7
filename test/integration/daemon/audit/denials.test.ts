import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readAuditRecord } from '../../../../packages/client/src/calls/audit.ts';
import { ACTS } from '../../../../src/daemon/audit/acts.ts';
import { Authority } from '../../../support/authority.ts';
import { TokenFile } from '../../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';
import { startRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json' };
const PEER = expect.stringMatching(/^127\.0\.0\.1:\d+$/);

function callerOf(addr: string, token?: string) {
  const clients = grpcClients(addr, token);
  disposables.push(() => clients.close());
  return clients.v1;
}

/** The audit trail, the first first, once it has this many records. */
async function trailOf({ addr }: TestDaemon, token: string, count: number) {
  const admin = callerOf(addr, token);
  const read = async () => (await admin.listAudit()).records.map(readAuditRecord).reverse();
  await until(async () => (await read()).length >= count, `${count} records`);
  return read();
}

test('records a denied call by gRPC and HTTP, with and without a credential', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: file.path } });
  const { writer, admin } = file.tokens as { writer: string; admin: string };
  await expect(callerOf(daemon.addr, writer).evict({ userId: 'alice' })).rejects.toMatchObject({ code: 7 });
  await trailOf(daemon, admin, 1);
  await expect(callerOf(daemon.addr).evict({ userId: 'alice' })).rejects.toMatchObject({ code: 16 });
  await trailOf(daemon, admin, 2);
  const url = `${daemon.http}/api/v1/audit`;
  const headers = { authorization: `Bearer ${writer}`, 'x-request-id': 'mine' };
  expect((await ask(url, { headers })).status).toBe(403);
  await trailOf(daemon, admin, 3);
  expect((await ask(url, { headers: { authorization: 'Bearer imstate_wrong' } })).status).toBe(401);
  const denied = { outcome: 'DENIED', omitted: 0, source: PEER };
  expect(await trailOf(daemon, admin, 4)).toMatchObject([
    {
      ...denied,
      action: 'evict',
      identity: { kind: 'TOKEN', name: 'writer' },
      role: 'writer',
      code: 'PERMISSION_DENIED',
      detail: expect.stringContaining('needs the role admin'),
      // Nothing of the request was read.
      target: { type: 'session', userId: undefined },
      via: 'GRPC',
    },
    {
      ...denied,
      action: 'evict',
      identity: { kind: 'UNAUTHENTICATED', name: 'unauthenticated' },
      role: undefined,
      code: 'UNAUTHENTICATED',
      via: 'GRPC',
    },
    { ...denied, action: 'read_audit', identity: { name: 'writer' }, via: 'HTTP', requestId: 'mine' },
    { ...denied, action: 'read_audit', code: 'UNAUTHENTICATED', via: 'HTTP' },
  ]);
});

test('records every act that is denied', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: file.path } });
  const { reader, admin } = file.tokens as { reader: string; admin: string };
  const v1 = callerOf(daemon.addr, reader);
  const calls: Record<string, () => Promise<unknown>> = {
    '/imstate.v1.PresenceService/Evict': () => v1.evict({}),
    '/imstate.v1.PresenceService/FinishUpgrade': () => v1.finishUpgrade({}),
    '/imstate.v1.PresenceService/PutPolicy': () => v1.putPolicy({}),
    '/imstate.v1.PresenceService/DeletePolicy': () => v1.deletePolicy({}),
    '/imstate.v1.PresenceService/SetDefaultPolicy': () => v1.setDefaultPolicy({}),
    '/imstate.v1.PresenceService/PauseRelay': () => v1.pauseRelay({}),
    '/imstate.v1.PresenceService/ReplayRelay': () => v1.replayRelay({}),
    '/imstate.v1.PresenceService/DeleteRelay': () => v1.deleteRelay({}),
    '/imstate.v1.PresenceService/ListAudit': () => v1.listAudit(),
    '/imstate.v1.PresenceService/ExportUser': () => v1.exportUser({ userId: 'u' }),
    '/imstate.v1.PresenceService/EraseUser': () => v1.eraseUser({ userId: 'u' }),
  };
  for (const [i, path] of Object.keys(ACTS).entries()) {
    const [method = '', route] = path.split(' ');
    const headers = { ...json, authorization: `Bearer ${reader}` };
    if (route) expect((await ask(`${daemon.http}${route}`, { method, headers })).status).toBe(403);
    else await expect(calls[path]?.()).rejects.toMatchObject({ code: 7 });
    const record = (await trailOf(daemon, admin, i + 1)).at(-1);
    expect(record).toMatchObject({ action: ACTS[path]?.action, outcome: 'DENIED' });
  }
});

test('records a page of another origin, and a caller without a client certificate', async () => {
  const daemon = await startDaemon({ http });
  const headers = { ...json, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
  const evict = { method: 'POST', headers, body: '{"userId":"alice"}' };
  expect((await ask(`${daemon.http}/api/v1/evict`, evict)).status).toBe(403);
  const client = await clientOf(daemon.addr);
  await until(async () => (await client.listAudit()).records.length === 1, 'the denial is recorded');
  expect((await client.listAudit()).records).toMatchObject([
    { action: 'evict', outcome: 'DENIED', identity: { kind: 'ANONYMOUS' }, source: PEER },
  ]);
  const authority = await Authority.make();
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const mutual = await startDaemon({ http, log, tls: { ...(await authority.issue()), ca: authority.file } });
  const body = { method: 'POST', headers: json, body: '{"userId":"alice"}', rejectUnauthorized: false };
  expect((await ask(`${mutual.http}/api/v1/evict`, body)).status).toBe(401);
  expect(logged.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      msg: 'administrative act',
      action: 'evict',
      outcome: 'DENIED',
      code: 'UNAUTHENTICATED',
    }),
  );
});

test('a flood of denied calls adds two records and displaces nothing', async () => {
  const file = await TokenFile.make();
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const options = { redis: redis.url, keyPrefix: 'im:', auth: { tokens: file.path } };
  const daemon = await startDaemon({ ...options, auditLimit: 10 });
  const { writer, admin } = file.tokens as { writer: string; admin: string };
  await callerOf(daemon.addr, admin).evict({ userId: 'alice' });
  const flood = callerOf(daemon.addr, writer);
  const attempts = Array.from({ length: 500 }, () =>
    flood.evict({ userId: 'alice' }).catch(({ code }) => code),
  );
  expect(new Set(await Promise.all(attempts))).toEqual(new Set([7]));
  expect(await trailOf(daemon, admin, 2)).toMatchObject([
    { action: 'evict', outcome: 'OK' },
    { action: 'evict', outcome: 'DENIED', omitted: 0 },
  ]);
  await daemon.stop();
  const next = await startDaemon(options);
  expect(await trailOf(next, admin, 3)).toMatchObject([
    { outcome: 'OK' },
    { outcome: 'DENIED', omitted: 0 },
    { outcome: 'DENIED', omitted: 498, identity: { name: 'writer' } },
  ]);
});
