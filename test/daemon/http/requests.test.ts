import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../src/daemon/limits.ts';
import { EventReader } from '../../support/events.ts';
import { ask } from '../../support/http.ts';
import { startDaemon, undo } from '../../support/undo.ts';
import { until } from '../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };

test('there is room for so many requests, and again when one is over; what is open and streams need none', async () => {
  // Nobody sends the body: each is under way for as long as that is waited for.
  const { http: url } = await startDaemon({ http });
  const { hostname, port } = new URL(url as string);
  const headers = 'host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9';
  const sockets = Array.from({ length: LIMITS.httpRequests.most }, () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    undo.push(() => socket.destroy());
    socket.write(`POST /api/v1/evict HTTP/1.1\r\n${headers}\r\n\r\n`);
    return socket;
  });
  const stats = () => ask(`${url}/api/v1/stats`);
  await until(async () => (await stats()).status === 429, 'there is no room');
  expect(JSON.parse((await stats()).text).error).toEqual({
    code: 'RESOURCE_EXHAUSTED',
    message: 'the daemon has 100 requests of HTTP: nothing was done, try again in a while',
  });
  expect((await ask(`${url}/metrics`)).status).toBe(429);
  expect((await ask(`${url}/healthz`)).status).toBe(200);
  expect((await EventReader.open(`${url}/api/v1/watch?all=true`)).status).toBe(200);
  sockets[0]?.destroy();
  await until(async () => (await stats()).status === 200, 'there is room again');
});
