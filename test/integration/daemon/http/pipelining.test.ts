import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { EventReader } from '../../../support/events.ts';
import { ask } from '../../../support/http.ts';
import { until } from '../../../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const headers = 'host: 127.0.0.1\r\n\r\n';

/** A connection on which this was sent; what comes is thrown away. */
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

test('a connection that asks for many streams at once is cut, and leaves none behind', async () => {
  const { http: url } = await startDaemon({ http });
  await closed(send(url, `GET /api/v1/watch?all=true HTTP/1.1\r\n${headers}`.repeat(1_000)));
  await until(async () => (await watchers(url)) === 0, 'no watch is left');
  expect((await EventReader.open(`${url}/api/v1/watch?all=true`)).status).toBe(200);
});

test('a stream whose connection asks for more ends', async () => {
  const { http: url } = await startDaemon({ http });
  const socket = send(url, `GET /api/v1/watch?all=true HTTP/1.1\r\n${headers}`);
  await until(async () => (await watchers(url)) === 1, 'it is watched');
  socket.write(`GET /healthz HTTP/1.1\r\n${headers}`);
  await closed(socket);
  await until(async () => (await watchers(url)) === 0, 'no watch is left');
});

test('a connection that asks again when it has its answer is served on', async () => {
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
