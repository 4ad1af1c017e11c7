import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { EventReader } from '../../../support/events.ts';
import { ask } from '../../../support/http.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const headers = 'host: 127.0.0.1\r\n\r\n';

/** A connection on which `text` is sent; responses are discarded. */
function send(url: string | undefined, text: string): Socket {
  const { hostname, port } = new URL(url as string);
  const socket = connect(Number(port), hostname).on('error', () => {});
  disposables.push(() => socket.destroy());
  socket.write(text);
  return socket.resume();
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

async function watchers(url: string | undefined): Promise<number> {
  const { text } = await ask(`${url}/metrics`);
  return Number(/^imstate_watchers (\d+)/m.exec(text)?.[1]);
}

test('closes a connection that pipelines many streams, and ends them', async () => {
  const { http: url } = await startDaemon({ http });
  await closed(send(url, `GET /api/v1/watch?all=true HTTP/1.1\r\n${headers}`.repeat(1_000)));
  await until(async () => (await watchers(url)) === 0, 'no watch is open');
  expect((await EventReader.open(`${url}/api/v1/watch?all=true`)).status).toBe(200);
});

test('ends a stream whose connection sends another request', async () => {
  const { http: url } = await startDaemon({ http });
  const socket = send(url, `GET /api/v1/watch?all=true HTTP/1.1\r\n${headers}`);
  await until(async () => (await watchers(url)) === 1, 'the watch is open');
  socket.write(`GET /healthz HTTP/1.1\r\n${headers}`);
  await closed(socket);
  await until(async () => (await watchers(url)) === 0, 'no watch is open');
});

test('serves sequential requests on one connection', async () => {
  const { http: url } = await startDaemon({ http });
  const socket = send(url, '');
  for (let round = 0; round < 100; round++) {
    const answered = new Promise((resolve, reject) => {
      socket.once('close', reject).once('data', (data) => resolve(data.toString()));
    });
    socket.write(`GET /healthz HTTP/1.1\r\n${headers}`);
    expect(await answered).toContain('alive');
    socket.removeAllListeners('close');
  }
});
