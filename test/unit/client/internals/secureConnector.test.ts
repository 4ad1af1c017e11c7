import { Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { TlsCredentials } from '../../../../packages/client/src/connection/tlsCredentials.ts';
import {
  ConnectorCredentials,
  hasSecureConnectors,
  isSecure,
} from '../../../../packages/client/src/internals/secureConnector.ts';

class TestCredentials extends ConnectorCredentials {
  readonly secured: unknown[] = [];

  protected override async secure(socket: Socket, options: object): Promise<Socket> {
    this.secured.push([socket, options]);
    return socket;
  }
}

test('the installed version of grpc-js requests a connector from credentials', () => {
  expect(hasSecureConnectors()).toBe(true);
});

test.each(['_isSecure', '_equals', '_createSecureConnector'])(
  'without %s a client with TLS is not created',
  (name) => {
    const sample = Object.create(ChannelCredentials.createInsecure(), { [name]: { value: undefined } });
    expect(hasSecureConnectors(sample)).toBe(false);
    expect(() => new TlsCredentials({}, hasSecureConnectors(sample))).toThrow(
      expect.objectContaining({
        code: 'TLS_FAILED',
        message: expect.stringContaining('this version of @grpc/grpc-js cannot be used with TLS'),
      }),
    );
  },
);

test('a connector secures each connection', async () => {
  const credentials = new TestCredentials();
  const options = { 'grpc.ssl_target_name_override': 'name' };
  const connector = credentials._createSecureConnector({ path: 'service' }, options);
  const socket = new Socket();
  await connector.waitForReady();
  expect(await connector.connect(socket)).toEqual({ socket, secure: true });
  expect(credentials.secured).toEqual([[socket, options]]);
  expect(() => connector.destroy()).not.toThrow();
});

test('only these credentials are secure', () => {
  const credentials = new TestCredentials();
  expect([isSecure(credentials), isSecure(ChannelCredentials.createInsecure())]).toEqual([true, false]);
  expect([credentials._equals(credentials), credentials._equals(new TestCredentials())]).toEqual([
    true,
    false,
  ]);
});
