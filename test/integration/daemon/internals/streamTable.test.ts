import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { types } from 'node:util';
import { expect, test } from 'vitest';
import { letEndedStreamsGo } from '../../../../src/daemon/internals/streamTable.ts';
import { disposables } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';

/** What Node.js keeps of a session. */
function stateOf(session: object): { streams: { size: number } } {
  const states = Object.getOwnPropertySymbols(session).filter(({ description }) => description === 'state');
  expect(states).toHaveLength(1);
  return (session as Record<symbol, { streams: { size: number } }>)[states[0] as symbol] as {
    streams: { size: number };
  };
}

/** A server that answers /now at once, and anything else never; `session` is what a client's connection is to it. */
async function connected(): Promise<{ client: ClientHttp2Session; session: ServerHttp2Session }> {
  const server = createServer();
  server.on('stream', (stream, { ':path': path }) => {
    letEndedStreamsGo(stream.session as object);
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

async function ask(client: ClientHttp2Session, path: string) {
  const request = client.request({ ':path': path });
  request.on('error', () => {});
  const [headers] = await once(request, 'response');
  return { request: request.resume(), status: headers[':status'] };
}

test('a session keeps its streams in another table, from its first stream on, and none that is over', async () => {
  const { client, session } = await connected();
  expect(types.isMap(stateOf(session).streams)).toBe(true);
  const { request } = await ask(client, '/never');
  expect(types.isMap(stateOf(session).streams)).toBe(false);
  const answers = await Promise.all(Array.from({ length: 90 }, () => ask(client, '/now')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await until(() => stateOf(session).streams.size === 1, 'only the first stream is open');
  request.close();
  await until(() => stateOf(session).streams.size === 0, 'none is');
});

test('a session that ends takes its streams with it', async () => {
  const { client, session } = await connected();
  const open = await Promise.all([ask(client, '/never'), ask(client, '/never')]);
  const closed = Promise.all(open.map(({ request }) => once(request, 'close')));
  session.destroy();
  await closed;
  expect(stateOf(session)?.streams.size ?? 0).toBe(0);
});

test('what is no session of Node.js is left as it is', () => {
  const state = Symbol('state');
  const other = { [state]: { streams: 'mine' } };
  letEndedStreamsGo(other);
  expect(other[state]).toEqual({ streams: 'mine' });
});
