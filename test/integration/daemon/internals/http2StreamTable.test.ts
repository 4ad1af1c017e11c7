import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { StreamTable, useStreamTable } from '../../../../src/daemon/internals/http2StreamTable.ts';
import { disposables } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';

/** The stream table of a session. */
function streamsOf(session: object): Map<number, unknown> | undefined {
  const states = Object.getOwnPropertySymbols(session).filter(({ description }) => description === 'state');
  expect(states).toHaveLength(1);
  const state = (session as Record<symbol, { streams: Map<number, unknown> } | undefined>)[
    states[0] as symbol
  ];
  return state?.streams;
}

/**
 * A server that responds to /now immediately, and never to other paths; `session` is its side of the client's
 * connection.
 */
async function connected(): Promise<{ client: ClientHttp2Session; session: ServerHttp2Session }> {
  const server = createServer();
  server.on('session', (session) => expect(useStreamTable(session)).toBe(true));
  server.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => {});
    if (path === '/now') stream.respond({}, { endStream: true });
    else stream.respond({});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => {});
  disposables.push(() => new Promise((resolve) => server.close(resolve)));
  disposables.push(async () => client.destroy());
  const [session] = (await once(server, 'session')) as [ServerHttp2Session];
  return { client, session };
}

async function request(client: ClientHttp2Session, path: string) {
  const stream = client.request({ ':path': path });
  stream.on('error', () => {});
  const [headers] = await once(stream, 'response');
  return { stream: stream.resume(), status: headers[':status'] };
}

test('keeps only open streams in the table of a session', async () => {
  const { client, session } = await connected();
  expect(streamsOf(session)).toBeInstanceOf(StreamTable);
  const { stream } = await request(client, '/never');
  const answers = await Promise.all(Array.from({ length: 90 }, () => request(client, '/now')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await until(() => streamsOf(session)?.size === 1, 'only the first stream is open');
  stream.close();
  await until(() => streamsOf(session)?.size === 0, 'no stream is open');
});

test('closes the streams of a destroyed session', async () => {
  const { client, session } = await connected();
  const open = await Promise.all([request(client, '/never'), request(client, '/never')]);
  const closed = Promise.all(open.map(({ stream }) => once(stream, 'close')));
  session.destroy();
  await closed;
  expect(streamsOf(session)?.size ?? 0).toBe(0);
});

test('installs one table per session, and takes over its open streams', async () => {
  const { session } = await connected();
  const table = streamsOf(session);
  expect(useStreamTable(session)).toBe(true);
  expect(streamsOf(session)).toBe(table);
});
