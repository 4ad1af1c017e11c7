import type { Socket } from 'node:net';
import { CallCredentials, ChannelCredentials, type ChannelOptions, type experimental } from '@grpc/grpc-js';

/**
 * Patch of grpc-js: credentials of a channel whose connections are secured by {@link secure}. Those of
 * grpc-js check every endpoint for the name of the channel's target, which is a service here: they see
 * neither the endpoint nor the channel's resolver.
 *
 * - Upstream: https://github.com/grpc/grpc-node/pull/2855 introduced the connectors; no issue asks for them
 *   as public API.
 * - Tested with grpc-js 1.14.7.
 * - Relies on: `_isSecure`, `_equals` and `_createSecureConnector` of ChannelCredentials; see {@link
 *   hasSecureConnectors}.
 * - Fallback: none is safe, so a client with TLS is not made.
 */
export abstract class ConnectorCredentials extends ChannelCredentials {
  /**
   * Makes a secure connection of a TCP connection to an endpoint; `options` are those of the channel. Rejects
   * if that fails.
   */
  protected abstract secure(socket: Socket, options: ChannelOptions): Promise<Socket>;

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    _target: experimental.GrpcUri,
    options: ChannelOptions,
    callCredentials = CallCredentials.createEmpty(),
  ): experimental.SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.secure(socket, options), secure: true }),
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials,
      destroy: () => {},
    };
  }
}

/** Whether grpc-js asks credentials for a connector. `sample` are credentials that grpc-js made. */
export function hasSecureConnectors(sample: object = ChannelCredentials.createInsecure()): boolean {
  return ['_isSecure', '_equals', '_createSecureConnector'].every(
    (name) => typeof Reflect.get(sample, name) === 'function',
  );
}

/** Whether connections with these credentials use TLS: only ConnectorCredentials do. */
export function isSecure(credentials: ChannelCredentials): boolean {
  return credentials instanceof ConnectorCredentials;
}
