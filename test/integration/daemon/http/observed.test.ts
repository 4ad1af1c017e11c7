import { expect, test } from 'vitest';
import { TokenFile } from '../../../support/credentials.ts';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { EventReader } from '../../../support/events.ts';
import { ask } from '../../../support/http.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json' };
const alice = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

/** The log lines of calls whose methods have this prefix, once there are `count`. */
async function callLines(logged: string[], methods: string, count: number) {
  const lines = await until(() => {
    const found = logged
      .map((line) => JSON.parse(line))
      .filter(({ msg, method = '' }) => msg === 'call' && method.startsWith(methods));
    return found.length === count && found;
  }, `${count} calls are logged`);
  return lines as Record<string, unknown>[];
}

test('logs each HTTP call at debug like a gRPC call, with masked IDs', async () => {
  const { http: url, addr, logged } = await startDaemon({ http });
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  await clients.v1.online(alice);
  const [online] = await callLines(logged, '/imstate.v1.PresenceService/Online', 1);
  const headers = { 'x-request-id': 'mine' };
  await ask(`${url}/api/v1/query?userId=alice&deviceId=phone`, { headers });
  await ask(`${url}/api/v1/query?userId=`);
  await ask(`${url}/api/v1/evict`, { method: 'POST', headers: json, body: '{"userId":"carol"}' });
  const [query, refused, evict] = await callLines(logged, '/imstate.http/', 3);
  expect(query).toMatchObject({
    requestId: 'mine',
    method: '/imstate.http/query',
    status: 'OK',
    ms: expect.any(Number),
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    user: online?.user,
    device: online?.device,
  });
  expect(refused).toMatchObject({ status: 'INVALID_ARGUMENT' });
  expect(evict).toMatchObject({ method: '/imstate.http/evict', status: 'OK' });
  expect(evict?.user).toMatch(/^~[0-9a-f]{10}$/);
  expect(logged.join('')).not.toContain('alice');
});

test('counts HTTP calls, rejected calls and open streams', async () => {
  const file = await TokenFile.make();
  const { http: url } = await startDaemon({ http, auth: { tokens: file.path } });
  const headers = { authorization: `Bearer ${file.tokens.reader}` };
  await ask(`${url}/api/v1/stats`, { headers });
  await ask(`${url}/api/v1/stats`);
  await EventReader.open(`${url}/api/v1/stats/watch`, headers);
  const metrics = async () => (await ask(`${url}/metrics`, { headers })).text;
  const labels = (code: string) => `service="imstate.http",method="stats",code="${code}"`;
  await until(async () => {
    const text = await metrics();
    return ['OK', 'UNAUTHENTICATED'].every((code) => text.includes(`imstate_calls_total{${labels(code)}} 1`));
  }, 'both are counted');
  expect(await metrics()).toContain('imstate_calls_open{service="imstate.http",method="stats-watch"} 1');
});
