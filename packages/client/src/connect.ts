import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { Client } from './client.js';
import { BearerToken, type TokenOptions } from './connection/bearerToken.js';
import { type Access, Channel } from './connection/channel.js';
import type { ClientOptions } from './connection/clientOptions.js';
import { type Discovery, fixedEndpoints } from './connection/discovery.js';
import type { TlsOptions } from './connection/tlsCredentials.js';
import { isSecure } from './internals/secureConnector.js';
import { REGISTRY_DEFAULTS, type RegistryLog } from './registry/discovery.js';
import { makeDiscovery } from './registry/makeDiscovery.js';
import { isLoopback } from './shared/address.js';
import { ImstateError } from './shared/errors.js';
import type { TlsFiles } from './tls/names.js';

/**
 * How to find and call daemons. Set one of `endpoints`, `etcd` and `dataDir`; if several are set, the first
 * of them in this order counts.
 */
export interface ConnectOptions extends ClientOptions, TokenOptions {
  /** Addresses of daemons, each `host:port`. */
  endpoints?: string[] | undefined;
  /** Nodes of etcd, separated by commas: each `host:port`, `http://host:port` or `https://host:port`. */
  etcd?: string | undefined;
  /** User of etcd, together with `etcdPassword`; by default etcd is called without credentials. */
  etcdUsername?: string | undefined;
  /** Password of `etcdUsername`. */
  etcdPassword?: string | undefined;
  /**
   * For `https://` nodes of etcd. By default the CAs of Node.js are trusted, and no client certificate is
   * sent.
   */
  etcdTls?: TlsFiles | undefined;
  /** Data directory of a daemon on this machine that uses the embedded registry. */
  dataDir?: string | undefined;
  /** Name under which the daemons register; `im/state-server` by default. */
  service?: string | undefined;
  /** Calls the daemons by TLS: `true`, or files and a server name. By default calls are in plain text. */
  tls?: true | TlsOptions | undefined;
  /** Receives warnings, such as those of unreadable registry entries; a pino logger fits. None by default. */
  log?: RegistryLog | undefined;
}

/**
 * Creates a client, which connects at its first call.
 *
 * Rejects with an {@link ImstateError}: `WRONG_USAGE` if the options name no daemons or do not fit together,
 * `INVALID_ARGUMENT` for an invalid endpoint or timeout, `BAD_URL` for an invalid address of etcd,
 * `BAD_CERTIFICATE` or `AUTH_FILE_UNUSABLE` if a file cannot be used.
 *
 * @example
 * ```ts
 * const client = await connect({ etcd: '127.0.0.1:2379' });
 * const { online } = await client.getUser({ userId: 'alice' });
 * await client.close();
 * ```
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const access = accessFor(options, await credentialsFor(options));
  return new Client(await discover(options), options, access);
}

/**
 * Opens a channel to the daemons, for calls that the client does not offer. close() closes all that it uses.
 */
export async function openChannel(
  options: ConnectOptions,
): Promise<{ channel: Channel; close(): Promise<void> }> {
  const access = accessFor(options, await credentialsFor(options));
  const discovery = await discover(options);
  const channel = new Channel(discovery, options, access);
  const close = async () => {
    channel.close();
    await discovery.close();
  };
  return { channel, close };
}

/** Throws if the token cannot be read. */
function accessFor(options: ConnectOptions, credentials: ChannelCredentials): Access {
  const hasToken = options.token !== undefined || options.tokenFile !== undefined;
  const isTokenSafe = !hasToken || options.plaintextToken === true || isSecure(credentials);
  const interceptor = hasToken ? new BearerToken(options).interceptor : undefined;
  return { credentials, interceptor, mayDial: (host) => isTokenSafe || isLoopback(host) };
}

/** The credentials of a channel to daemons; rejects with BAD_CERTIFICATE if a file cannot be used. */
export async function credentialsFor({ tls }: ConnectOptions): Promise<ChannelCredentials> {
  if (tls === undefined) return credentials.createInsecure();
  const { TlsCredentials } = await import('./connection/tlsCredentials.js');
  return new TlsCredentials(tls === true ? {} : tls);
}

/** The discovery that the options name. */
export async function discover(options: ConnectOptions): Promise<Discovery> {
  const { endpoints, etcd, etcdUsername, etcdPassword, etcdTls, dataDir } = options;
  if (endpoints !== undefined && endpoints.length > 0) return fixedEndpoints(endpoints);
  if (etcd === undefined && dataDir === undefined) {
    throw new ImstateError(
      'WRONG_USAGE',
      'connect() needs one of endpoints, etcd and dataDir to find daemons',
    );
  }
  const { service = REGISTRY_DEFAULTS.service, log = { info: () => {}, warn: () => {} } } = options;
  const config = { etcd, etcdUsername, etcdPassword, etcdTls, service, dataDir: dataDir ?? '' };
  return makeDiscovery(config, log);
}
