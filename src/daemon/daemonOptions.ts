import { lookup } from 'node:dns/promises';
import { isWildcard, parseHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { Logger } from 'pino';
import type { LoadLimits } from '../presence/limits.js';
import type { RegistryConfig } from '../registry/makeRegistry.js';
import type { StoreConfig } from '../store/makeStore.js';
import type { AuthOptions } from './auth/authenticator.js';
import type { HttpOptions } from './http/server.js';

/** The options of a daemon. */
export interface DaemonOptions extends StoreConfig, RegistryConfig, LoadLimits {
  /** Address to listen on: a name, an IPv4 or an IPv6 address. */
  addr: string;
  /** Port to listen on; 0 picks a free one. */
  port: number;
  /** Address to register, host:port. Default: the one it listens on. */
  advertise: string | undefined;
  /** Registers beside daemons of another store. By default such a start fails. */
  allowOtherStore?: boolean | undefined;
  /** TLS of the port. `ca`, the CA of the clients, makes it mutual. Undefined for plain gRPC. */
  tls?: TlsFiles | undefined;
  /** How callers authenticate. Undefined turns authentication off. */
  auth?: AuthOptions | undefined;
  /** Where HTTP is served; undefined if it is not. */
  http?: HttpOptions | undefined;
  /** True if the log shows IDs of users and devices unmasked. */
  showIds?: boolean | undefined;
  /** Base URL of the collector to which traces are sent over OTLP/HTTP. Undefined turns tracing off. */
  otlpEndpoint?: string | undefined;
  /** The share of the store's shards that must answer for the daemon to be ready. Percent, 1 to 100. */
  readyShards: number;
  /** How long to wait at start for the store, the registry and the keys of JWTs. Milliseconds. */
  startTimeoutMs: number;
  /** How long to accept calls after leaving the registry, before the drain. Milliseconds. */
  drainDelayMs: number;
  log: Logger;
  /** How many lines the log has dropped since the start. Default: none. */
  droppedLogLines?: (() => number) | undefined;
  /** Aborts a start in progress. */
  signal?: AbortSignal;
}

/** Rejects options that cannot work. Resolves with the IP address to listen on. */
export async function checkOptions({ redis, etcd, addr, advertise }: DaemonOptions): Promise<string> {
  if (etcd !== undefined && redis === undefined) {
    throw new ImstateError(
      'STORE_NOT_SHARED',
      'daemons that share a registry must share a store: --etcd needs --redis; omit both to use the embedded ones',
      { field: '--etcd' },
    );
  }
  const ip = await lookup(addr).catch((error) => {
    const message = `--addr ${addr} cannot be resolved (${messageOf(error)}): use an address or a name of this machine`;
    throw new ImstateError('ADDRESS_UNAVAILABLE', message, { cause: error, field: '--addr' });
  });
  if (etcd !== undefined && advertise === undefined && isWildcard(ip.address)) {
    throw new ImstateError(
      'ADVERTISE_REQUIRED',
      `${addr} means every address of this machine, and is none that others can dial: set --advertise HOST:PORT`,
      { field: '--advertise' },
    );
  }
  const host = advertise === undefined ? undefined : parseHostPort(advertise)?.host;
  if (advertise !== undefined && (host === undefined || isWildcard(await ipOf(host)))) {
    const message = '--advertise must be a HOST:PORT that others can dial';
    throw new ImstateError('INVALID_ARGUMENT', message, { field: '--advertise' });
  }
  return ip.address;
}

/** The IP address of a host, in canonical form. Other machines may know a name that this one does not. */
async function ipOf(host: string): Promise<string> {
  return lookup(host).then(
    ({ address }) => address,
    () => host,
  );
}
