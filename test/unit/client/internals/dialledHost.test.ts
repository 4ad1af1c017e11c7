import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { dialledHost } from '../../../../packages/client/src/internals/dialledHost.ts';

const server = createServer();
afterEach(() => server.close());

test('the host name of a connection is read, but no address', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const byName = connect({ host: 'localhost', port, family: 4 });
  await once(byName, 'connect');
  const byAddress = connect({ host: '127.0.0.1', port });
  await once(byAddress, 'connect');
  expect(dialledHost(byName)).toBe('localhost');
  expect(dialledHost(byAddress) ?? '127.0.0.1').toBe('127.0.0.1');
  byName.destroy();
  byAddress.destroy();
});

test('a socket without the field has no host name', () => {
  expect(dialledHost(Object.assign(new Socket(), { _host: { name: 'localhost' } }))).toBeUndefined();
});
