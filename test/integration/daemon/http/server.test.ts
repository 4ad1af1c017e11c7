import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { DenialLog } from '../../../../src/daemon/auth/denialLog.ts';
import type { Exchange } from '../../../../src/daemon/http/routes.ts';
import { HttpServer } from '../../../../src/daemon/http/server.ts';
import { TrustedProxies } from '../../../../src/daemon/http/trustedProxies.ts';
import { CallObserver } from '../../../../src/daemon/observability/callObserver.ts';
import { auditTrailIn } from '../../../support/audit.ts';
import { disposables } from '../../../support/disposables.ts';
import { STORE_OPTIONS } from '../../store/contract/underTest.ts';
import { makeEmbeddedStore } from '../../store/stores.ts';

/** More than the buffers of both sides can hold. */
const LARGE_BODY = Buffer.alloc(64 * 1024 * 1024);

/** Serves one path with short deadlines; returns a caller that has requested it and read nothing. */
async function askServer(handle: (exchange: Exchange) => void): Promise<Socket> {
  const log = pino({ level: 'silent' });
  const { store, remove } = await makeEmbeddedStore(STORE_OPTIONS);
  disposables.push(remove);
  const server = new HttpServer({
    log,
    observer: new CallObserver({ log, showIds: false, tracing: undefined }),
    routes: [{ method: 'GET', path: '/', role: undefined, handle }],
    audit: auditTrailIn(store, log),
    denials: new DenialLog(log, () => {}),
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

test('disconnects a caller that does not read its response', async () => {
  let cut: () => void;
  const isCut = new Promise<void>((resolve) => {
    cut = resolve;
  });
  const socket = await askServer(({ response }) => void response.once('close', cut).end(LARGE_BODY));
  await isCut;
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
  expect(bytes).toBeLessThan(LARGE_BODY.length);
});

test('does not disconnect a caller that reads a large response slowly', async () => {
  let bytes = 0;
  const socket = await askServer(({ response }) => void response.end(LARGE_BODY));
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > LARGE_BODY.length) resolve();
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
  });
  await ended;
  expect(bytes).toBeGreaterThan(LARGE_BODY.length);
});
