import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../../src/presence/limits.ts';
import { Authority } from '../../../support/authority.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { EventReader } from '../../../support/events.ts';
import { ask } from '../../../support/http.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };

test('limits concurrent requests, except probes and streams', async () => {
  // The bodies are never sent, so the requests stay in flight until their deadline.
  const { http: url } = await startDaemon({ http });
  const { hostname, port } = new URL(url as string);
  const headers = 'host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9';
  const sockets = Array.from({ length: LIMITS.httpRequests.max }, () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    disposables.push(() => socket.destroy());
    socket.write(`POST /api/v1/evict HTTP/1.1\r\n${headers}\r\n\r\n`);
    return socket;
  });
  const stats = () => ask(`${url}/api/v1/stats`);
  await until(async () => (await stats()).status === 429, 'the limit is reached');
  expect(JSON.parse((await stats()).text).error).toEqual({
    code: 'RESOURCE_EXHAUSTED',
    message: 'the daemon has 100 HTTP requests in flight: nothing was done, try again in a while',
  });
  expect((await ask(`${url}/metrics`)).status).toBe(429);
  expect((await ask(`${url}/healthz`)).status).toBe(200);
  expect((await EventReader.open(`${url}/api/v1/watch?all=true`)).status).toBe(200);
  sockets[0]?.destroy();
  await until(async () => (await stats()).status === 200, 'requests are accepted again');
});

test.each(['', 'GET /healthz HT', 'POST /api/v1/evict HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{'])(
  'closes a connection whose request stops at %j',
  async (text) => {
    const { http: url } = await startDaemon({ http, bounds: { requestMs: 500 } });
    const begunAt = performance.now();
    await closed(url, text);
    // Far below the check interval of Node.js.
    expect(performance.now() - begunAt).toBeLessThan(25_000);
  },
);

test('closes a connection without a TLS handshake', async () => {
  const tls = await (await Authority.make()).issue();
  const { http: url } = await startDaemon({ http, tls, bounds: { silenceMs: 500 } });
  const begunAt = performance.now();
  await closed(url, '');
  // Far below the handshake timeout of Node.js.
  expect(performance.now() - begunAt).toBeLessThan(50_000);
});

/** Resolves when the daemon closes a connection on which `text` was sent. */
async function closed(url: string | undefined, text: string): Promise<void> {
  const { hostname, port } = new URL(url as string);
  const socket = connect(Number(port), hostname).on('error', () => {});
  disposables.push(() => socket.destroy());
  if (text !== '') socket.write(text);
  await new Promise((resolve) => socket.resume().once('close', resolve));
}
