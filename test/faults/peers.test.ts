import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Authority } from '../support/authority.ts';
import { disposables } from '../support/disposables.ts';
import { type Imstate, spawnImstate, startImstate } from '../support/imstate.ts';
import { PREFACE } from '../support/rawHttp2.ts';
import { STOPPED, stopped } from '../support/stopping.ts';
import { until } from '../support/until.ts';

/** The addresses of a daemon, host:port. */
interface Addresses {
  grpc: string;
  http: string;
}

/** Sends `text` on a connection that never closes its half; if `isAnswered`, waits for a response. */
async function openHalf(addr: string, text: string, isAnswered: boolean): Promise<void> {
  const [host, port] = addr.split(':') as [string, string];
  const socket: Socket = connect({ host, port: Number(port), allowHalfOpen: true });
  disposables.push(() => socket.destroy());
  socket.on('error', () => {});
  const first = once(socket, 'data');
  socket.write(text);
  await once(socket, 'connect');
  if (isAnswered) await first;
}

/** The beginning of a TLS handshake, after which the server waits for the rest. */
const CLIENT_HELLO = '\x16\x03\x01\x02\x00\x01';
const GET = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

const plain: [string, (addresses: Addresses) => Promise<void>][] = [
  ['a port scan of gRPC', ({ grpc }) => openHalf(grpc, '', false)],
  ['an idle gRPC client', ({ grpc }) => openHalf(grpc, `${PREFACE}\0\0\0\x04\0\0\0\0\0`, true)],
  ['a port scan of HTTP', ({ http }) => openHalf(http, '', false)],
  ['half a request of HTTP', ({ http }) => openHalf(http, 'GET /metrics HTTP/1.1\r\n', false)],
  ['HTTP keep-alive', ({ http }) => openHalf(http, GET('/healthz'), true)],
  ['a stream of events', ({ http }) => openHalf(http, GET('/api/v1/watch?all=true'), true)],
];
const tls: typeof plain = [
  ['an incomplete TLS handshake of gRPC', ({ grpc }) => openHalf(grpc, CLIENT_HELLO, false)],
  ['an incomplete TLS handshake of HTTPS', ({ http }) => openHalf(http, CLIENT_HELLO, false)],
];

async function startDaemon(...flags: string[]): Promise<Imstate & { addresses: Addresses }> {
  const daemon = await startImstate('serve', '--port', '0', '--http-port', '0', ...flags);
  disposables.push(() => daemon.kill());
  const http = /^http\s+https?:\/\/(\S+)$/m.exec(daemon.stdout())?.[1] as string;
  return Object.assign(daemon, { addresses: { grpc: daemon.addr, http } });
}

describe('SIGTERM ends a daemon whose peer keeps its half of a connection open', () => {
  test.each(plain)('%s', async (_, open) => {
    const daemon = await startDaemon();
    await open(daemon.addresses);
    expect(await stopped(daemon)).toEqual(STOPPED);
    expect(daemon.stderr()).not.toContain('were cut');
  });

  test.each(tls)('%s', async (_, open) => {
    const authority = await Authority.make();
    const { cert, key } = await authority.issue();
    const daemon = await startDaemon('--tls-cert', cert, '--tls-key', key);
    await open(daemon.addresses);
    expect(await stopped(daemon)).toEqual(STOPPED);
  });

  test('a watch whose process is frozen', async () => {
    const daemon = await startDaemon();
    const watch = spawnImstate(['watch', '--all', '--json', '--endpoint', daemon.addr]);
    disposables.push(() => watch.signal('SIGKILL'));
    await until(() => watch.stdout().includes('synced'), 'the watch is synced');
    watch.signal('SIGSTOP');
    expect(await stopped(daemon)).toEqual(STOPPED);
  });
});
