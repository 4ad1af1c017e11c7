import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { Client } from './client.js';
import { BearerToken, type TokenOptions } from './connection/bearerToken.js';
import { type Access, Channel, type ClientOptions } from './connection/channel.js';
import { type Discovery, fixedEndpoints } from './connection/discovery.js';
import type { TlsOptions } from './connection/tlsCredentials.js';
import { isSecure } from './internals/secureConnector.js';
import { REGISTRY_DEFAULTS, type RegistryLog } from './registry/discovery.js';
import { makeDiscovery } from './registry/makeDiscovery.js';
import { isLoopback } from './shared/address.js';
import { ImstateError } from './shared/errors.js';
import type { TlsFiles } from './tls/names.js';

/** How to find daemons; give one of `endpoints`, `etcd` and `dataDir`, which are tried in this order. */
export interface ConnectOptions extends ClientOptions, TokenOptions {
  /** Addresses of daemons, host:port. */
  endpoints?: string[] | undefined;
  /** Nodes of etcd: "host:port,…", each with http:// or https:// in front if wished. */
  etcd?: string | undefined;
  etcdUsername?: string | undefined;
  etcdPassword?: string | undefined;
  /** For https:// nodes of etcd; what Node.js trusts and no client certificate if it is left out. */
  etcdTls?: TlsFiles | undefined;
  /** Data folder of a daemon on this machine that uses the embedded registry. */
  dataDir?: string | undefined;
  /** Name under which the daemons register; "im/state-server" by default. */
  service?: string | undefined;
  /** Call the daemons by TLS: `true`, or files and a server name. Without it calls are plain. */
  tls?: true | TlsOptions | undefined;
  /** Told of registry entries that cannot be read; silent by default. */
  log?: RegistryLog | undefined;
}

/**
 * Makes a client. Nothing is dialled before the first call.
 *
 * @example
 * const client = await connect({ etcd: '127.0.0.1:2379' });
 * const { sessionId } = await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
 * await client.close();
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const access = accessFor(options, await credentialsFor(options));
  return new Client(await discover(options), options, access);
}

/** A channel to the daemons, for calls that a client does not make; close() closes all that it uses. */
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

/** Throws if the token cannot be had. */
function accessFor(options: ConnectOptions, credentials: ChannelCredentials): Access {
  const hasToken = options.token !== undefined || options.tokenFile !== undefined;
  const mayTell = !hasToken || options.plaintextToken === true || isSecure(credentials);
  const interceptor = hasToken ? new BearerToken(options).interceptor : undefined;
  return { credentials, interceptor, mayDial: (host) => mayTell || isLoopback(host) };
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
