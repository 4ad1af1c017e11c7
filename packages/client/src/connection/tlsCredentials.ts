import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { ChannelOptions } from '@grpc/grpc-js';
import { dialledHost } from '../internals/dialledHost.js';
import { ConnectorCredentials, hasSecureConnectors } from '../internals/secureConnector.js';
import { formatHostPort } from '../shared/address.js';
import { ImstateError } from '../shared/errors.js';
import { followTls, type TlsMaterial } from '../tls/files.js';
import { TLS_NAMES, type TlsFiles } from '../tls/names.js';
import type { HostNames } from './addressResolver.js';
import { NAMES_OPTION } from './resolver.js';

/**
 * TLS of the calls to daemons. The files are read for each connection, so you can replace them at any time.
 */
export interface TlsOptions extends TlsFiles {
  /** The name in the certificates of the daemons. The default is the host of the address of each daemon. */
  serverName?: string | undefined;
}

/** Timeout of a handshake. gRPC has none, and would wait for ever for a peer that died during it. */
const HANDSHAKE_MS = 10_000;
const NO_CONNECTORS =
  'this version of @grpc/grpc-js cannot be used with TLS: install the version that imstate-client requires';

/**
 * Credentials of a channel to several daemons. The certificate of each must be for the host of its own
 * address, or for `serverName`.
 */
export class TlsCredentials extends ConnectorCredentials {
  readonly #options: TlsOptions;
  readonly #material: () => TlsMaterial;
  readonly #verifies: boolean;

  /**
   * Throws BAD_CERTIFICATE if a file cannot be used. `verifies` is false for calls that carry nothing secret
   * and whose response is only displayed.
   */
  constructor(options: TlsOptions, isPossible = hasSecureConnectors(), verifies = true) {
    super();
    if (!isPossible) throw new ImstateError('TLS_FAILED', NO_CONNECTORS);
    this.#options = options;
    this.#verifies = verifies;
    this.#material = followTls(options, TLS_NAMES.client);
  }

  protected override secure(socket: Socket, channelOptions: ChannelOptions): Promise<TLSSocket> {
    return this.#handshake(socket, this.#serverNameOf(socket, channelOptions));
  }

  #serverNameOf(socket: Socket, channelOptions: ChannelOptions): string {
    const names = channelOptions[NAMES_OPTION] as HostNames | undefined;
    return (
      this.#options.serverName ?? channelOptions['grpc.ssl_target_name_override'] ?? hostOf(socket, names)
    );
  }

  #handshake(socket: Socket, host: string): Promise<TLSSocket> {
    const options: ConnectionOptions = { ...this.#material().context, socket, host, ALPNProtocols: ['h2'] };
    if (!this.#verifies) options.rejectUnauthorized = false;
    // In TLS an IP address cannot be a server name; the certificate is checked for it anyway.
    if (isIP(host) === 0) options.servername = host;
    return new Promise((resolve, reject) => {
      const secured = connect(options);
      const limit = setTimeout(
        () => secured.destroy(new Error('no answer to the TLS handshake')),
        HANDSHAKE_MS,
      );
      secured.once('secureConnect', () => {
        clearTimeout(limit);
        resolve(secured);
      });
      secured.once('close', () => clearTimeout(limit));
      // The listener stays: an error may follow the one that ends the handshake.
      secured.on('error', reject);
    });
  }
}

/** The host that was dialled: its name, if the resolver of the channel or the socket knows it. */
function hostOf(socket: Socket, names: HostNames | undefined): string {
  const { remoteAddress: host = '', remotePort: port = 0 } = socket;
  return names?.get(formatHostPort({ host, port })) ?? dialledHost(socket) ?? host;
}
