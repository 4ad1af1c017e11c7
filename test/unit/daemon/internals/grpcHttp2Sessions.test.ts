import { createServer } from 'node:http2';
import { Server } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { followSessions } from '../../../../src/daemon/internals/grpcHttp2Sessions.ts';

const serverWith = (fields: object) => fields as unknown as Server;

test('adds listeners to all node:http2 servers of a server', () => {
  const http2Servers = [createServer(), createServer()];
  const server = serverWith({ http2Servers: new Map(http2Servers.map((each) => [each, {}])) });
  const seen: unknown[] = [];
  const listener = {
    onSession: (session: unknown) => seen.push(['session', session]),
    onStream: (stream: unknown, headers: unknown) => seen.push(['stream', stream, headers]),
    onSessionError: (error: unknown, session: unknown) => seen.push(['error', error, session]),
  };
  expect(followSessions(server, [listener as never, {}])).toBe(true);
  for (const each of http2Servers) {
    each.emit('session', 'a session');
    each.emit('stream', 'a stream', 'headers', 0);
    each.emit('sessionError', 'an error', 'a session');
  }
  const once = [
    ['session', 'a session'],
    ['stream', 'a stream', 'headers'],
    ['error', 'an error', 'a session'],
  ];
  expect(seen).toEqual([...once, ...once]);
});

test('finds the http2 servers in the installed version', () => {
  const server = new Server();
  expect(Reflect.get(server, 'http2Servers')).toBeInstanceOf(Map);
});

test.each([
  ['has no servers', {}],
  ['has none yet', { http2Servers: new Map() }],
  ['keeps them in something other than a Map', { http2Servers: [createServer()] }],
  ['keeps something else', { http2Servers: new Map([[{}, {}]]) }],
])('does not patch a server that %s', (_, fields) => {
  const listener = { onSession: () => expect.unreachable() };
  expect(followSessions(serverWith(fields), [listener])).toBe(false);
});
