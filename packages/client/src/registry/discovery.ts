import type { ImstateError } from '../shared/errors.js';
import type { StoreIds } from './storeIds.js';

/** The address of a daemon, as the registry lists it. */
export interface Endpoint {
  /** host:port. */
  addr: string;
  /** Whatever the entry carries; imstate writes null. */
  metadata: unknown;
}

/** A watch that runs until it is closed. */
export interface Watch {
  close(): Promise<void>;
}

/** Receives what a watch of endpoints delivers. */
export interface WatchListener {
  /**
   * All endpoints: first the current list, then the new list after each change, and the list after each
   * error.
   */
  onEndpoints(endpoints: Endpoint[]): void;
  /** The registry cannot be reached. The last list remains the best known; the watch keeps retrying. */
  onError(error: ImstateError): void;
}

/**
 * Finds the daemons that are registered.
 *
 * test/integration/registry/contract.ts holds every implementation to these rules. Every method rejects with
 * REGISTRY_UNAVAILABLE when the registry cannot be reached.
 */
export interface ServiceDiscovery {
  /** Human-readable: the kind of registry and where it is, without secrets. */
  readonly description: string;
  /** Name under which daemons register, such as "im/state-server". */
  readonly service: string;
  /** Scheme of the gRPC target that is resolved by this registry: `<scheme>:///<service>`. */
  readonly scheme: 'etcd' | 'imstate';

  /** The endpoints registered now, by address. Entries that cannot be read are skipped with a warning. */
  list(): Promise<Endpoint[]>;

  /** The identities of the stores that daemons publish; empty if this user may not read them. */
  listStores(): Promise<StoreIds>;

  /** Delivers the endpoints, and the new list after every change, until closed. */
  watch(listener: WatchListener): Watch;

  /** Releases the connections. Whoever opened a registration or a watch closes it. */
  close(): Promise<void>;
}

/** A log for operators; a pino logger fits. */
export interface RegistryLog {
  /** Logs what needs no action. */
  info(message: string): void;
  /** Logs what needs attention. */
  warn(message: string): void;
}

/** Options common to all registries. */
export interface RegistryOptions {
  /** Name under which daemons register. */
  service: string;
  log: RegistryLog;
}

export const REGISTRY_DEFAULTS = { service: 'im/state-server', leaseTtlMs: 10_000 } as const;
