import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CallCredentials, ChannelCredentials, type ChannelOptions, type experimental } from '@grpc/grpc-js';
import { formatHostPort } from '../shared/address.js';
import { followTls, type TlsMaterial } from '../tls/files.js';
import { TLS_NAMES, type TlsFiles } from '../tls/names.js';
import type { HostNames } from './addressResolver.js';
import { NAMES_OPTION } from './resolver.js';

/** How a client speaks TLS with daemons. The files are read for each new connection, so they may be replaced at any time. */
export interface TlsOptions extends TlsFiles {
  /** The name that the daemons' certificates must be for; by default the host of each daemon's address. */
  serverName?: string | undefined;
}

/** How long a handshake may take: gRPC has no limit of its own, and would wait for ever for a peer that died in it. */
const HANDSHAKE_MS = 10_000;

/**
 * Credentials of a channel to several daemons, each of which is to prove its own name. What grpc-js brings checks all of them for the
 * name of the channel's target, which is a service here.
 */
export class TlsCredentials extends ChannelCredentials {
  readonly #options: TlsOptions;
  readonly #material: () => TlsMaterial;

  /** Throws BAD_CERTIFICATE if a file cannot be used. */
  constructor(options: TlsOptions) {
    super();
    this.#options = options;
    this.#material = followTls(options, TLS_NAMES.client);
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    _target: experimental.GrpcUri,
    channelOptions: ChannelOptions,
    callCredentials = CallCredentials.createEmpty(),
  ): experimental.SecureConnector {
    return {
      connect: async (socket) => {
        const names = channelOptions[NAMES_OPTION] as HostNames | undefined;
        const { serverName = channelOptions['grpc.ssl_target_name_override'] ?? hostOf(socket, names) } =
          this.#options;
        return { socket: await this.#secure(socket, serverName), secure: true };
      },
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials,
      destroy: () => {},
    };
  }

  #secure(socket: Socket, host: string): Promise<TLSSocket> {
    const options: ConnectionOptions = { ...this.#material().context, socket, host, ALPNProtocols: ['h2'] };
    // TLS takes no IP address as a server name; the certificate is checked for it all the same.
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
      // It stays: an error may follow the one that ends the handshake.
      secured.on('error', reject);
    });
  }
}

/**
 * The host that was dialled: its name, where the resolver of the channel knows one. A name that it left to the connection is known only
 * to the field `_host`, which Node's own tls.connect() reads for the same purpose.
 */
function hostOf(socket: Socket & { _host?: string }, names: HostNames | undefined): string {
  const { remoteAddress: host = '', remotePort: port = 0 } = socket;
  return names?.get(formatHostPort({ host, port })) ?? socket._host ?? host;
}
