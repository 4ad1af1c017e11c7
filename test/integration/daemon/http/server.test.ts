import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Exchange } from '../../../../src/daemon/http/routes.ts';
import { HttpServer } from '../../../../src/daemon/http/server.ts';
import { TrustedProxies } from '../../../../src/daemon/http/trustedProxies.ts';
import { CallObserver } from '../../../../src/daemon/observability/callObserver.ts';
import { disposables } from '../../../support/disposables.ts';

/** More than what the buffers of both sides hold. */
const MUCH = Buffer.alloc(64 * 1024 * 1024);

/** Serves one path with a short patience; returns a caller that has asked for it, and has read nothing. */
async function askServer(handle: (exchange: Exchange) => void): Promise<Socket> {
  const log = pino({ level: 'silent' });
  const server = new HttpServer({
    log,
    observer: new CallObserver({ log, showIds: false, tracing: undefined }),
    routes: [{ method: 'GET', path: '/', role: undefined, handle }],
    guard: undefined,
    tls: undefined,
    origins: [],
    proxies: new TrustedProxies(),
    bounds: { silenceMs: 5_000, requestMs: 5_000, answerMs: 5_000 },
    onEndStreams: () => {},
    onClose: () => {},
  });
  disposables.push(() => server.close());
  const { addr } = await server.listen({ addr: '127.0.0.1', port: 0 });
  const socket = connect(Number(addr.split(':')[1]), '127.0.0.1');
  disposables.push(() => socket.destroy());
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return socket;
}

test('a caller that takes nothing of its answer is cut', async () => {
  let cut: () => void;
  const isCut = new Promise<void>((resolve) => {
    cut = resolve;
  });
  const socket = await askServer(({ response }) => void response.once('close', cut).end(MUCH));
  await isCut;
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
  expect(bytes).toBeLessThan(MUCH.length);
});

test('a caller that takes a long answer in pieces is not', async () => {
  let bytes = 0;
  const socket = await askServer(({ response }) => void response.end(MUCH));
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > MUCH.length) resolve();
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
  });
  await ended;
  expect(bytes).toBeGreaterThan(MUCH.length);
});
