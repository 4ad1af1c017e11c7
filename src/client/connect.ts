import { ImstateError } from '../errors.js';
import { makeRegistry } from '../registry/makeRegistry.js';
import { REGISTRY_DEFAULTS, type RegistryLog } from '../registry/registry.js';
import type { ClientOptions } from './channel.js';
import { Client } from './client.js';
import { type Discovery, fixedEndpoints } from './discovery.js';

/** How to find daemons; give one of `endpoints`, `etcd` and `dataDir`, which are tried in this order. */
export interface ConnectOptions extends ClientOptions {
  /** Addresses of daemons, host:port. */
  endpoints?: string[] | undefined;
  /** Nodes of etcd: "host:port,…", each with http:// or https:// in front if wished. */
  etcd?: string | undefined;
  etcdUsername?: string | undefined;
  etcdPassword?: string | undefined;
  /** Data folder of a daemon on this machine that uses the embedded registry. */
  dataDir?: string | undefined;
  /** Name under which the daemons register; "im/state-server" by default. */
  service?: string | undefined;
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
  return new Client(await discover(options), options);
}

/** The discovery that the options name. */
export async function discover(options: ConnectOptions): Promise<Discovery> {
  const { endpoints, etcd, etcdUsername, etcdPassword, dataDir } = options;
  if (endpoints !== undefined && endpoints.length > 0) return fixedEndpoints(endpoints);
  if (etcd === undefined && dataDir === undefined) {
    throw new ImstateError(
      'WRONG_USAGE',
      'connect() needs one of endpoints, etcd and dataDir to find daemons',
    );
  }
  const { service = REGISTRY_DEFAULTS.service, log = { info: () => {}, warn: () => {} } } = options;
  const { leaseTtlMs } = REGISTRY_DEFAULTS;
  const config = { etcd, etcdUsername, etcdPassword, service, leaseTtlMs, dataDir: dataDir ?? '' };
  return makeRegistry(config, log);
}
