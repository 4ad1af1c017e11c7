import type { ImstateError } from '../errors.js';
import type { StoreClaim, StoreIds } from './stores.js';

/** A daemon's address as it stands in the registry. */
export interface Endpoint {
  /** host:port. */
  addr: string;
  /** Whatever the entry carries; imstate writes null. */
  metadata: unknown;
}

/** An entry that is kept in the registry until it is closed. */
export interface Registration {
  /** Whether the entry stands, as far as is known. */
  readonly stands: boolean;
  /** Why the entry is not written: daemons of another store are registered. Undefined unless that is so. */
  readonly refusal: ImstateError | undefined;
  /** How many other stores daemons are registered with, as of the last look. */
  readonly otherStores: number;
  /** Removes the entry; resolves even if the registry is away (the entry then goes by itself, within its lease). */
  close(): Promise<void>;
}

/** A watch that goes on until it is closed. */
export interface Watch {
  close(): Promise<void>;
}

/** What a watch tells. */
export interface WatchListener {
  /** All endpoints: first the list as it is, then the new list after each change, and the list after each error. */
  onEndpoints(endpoints: Endpoint[]): void;
  /** The registry cannot be reached. What was told last still is the best there is; the watch goes on trying. */
  onError(error: ImstateError): void;
}

/**
 * Where daemons announce their addresses and clients find them.
 *
 * test/registry/contract.ts holds every implementation to these rules. Every method rejects with
 * REGISTRY_UNAVAILABLE when the registry cannot be reached.
 */
export interface Registry {
  /** For people: the kind of registry and where it is, without secrets. */
  readonly description: string;
  /** Name under which daemons register, such as "im/state-server". */
  readonly service: string;
  /** Scheme of the gRPC target that is resolved by this registry: `<scheme>:///<service>`. */
  readonly scheme: 'etcd' | 'imstate';

  /**
   * Writes the entry of `addr`, and resolves once it stands. From then on the entry is kept: whatever happens
   * to the registry (lease lost, restarted, wiped, frozen), it is written again, until the registration is closed.
   * An entry that is no longer kept goes by itself within the lease. Registering an address again is harmless.
   *
   * The identity of the daemon's store is kept beside the entry. An entry is not written while daemons of another store are
   * registered: the method rejects with STORE_MISMATCH, and an entry that was lost later waits until they are gone. An entry that
   * stands is never removed because of them.
   */
  register(addr: string, store?: StoreClaim): Promise<Registration>;

  /** The endpoints registered now, by address. Entries that cannot be read are skipped with a warning. */
  list(): Promise<Endpoint[]>;

  /** The identities of the stores that daemons publish now; none where the registry does not let this user read them. */
  listStores(): Promise<StoreIds>;

  /** Tells the endpoints, and every change of them, until closed. */
  watch(listener: WatchListener): Watch;

  /** Ends what the registry holds; registrations and watches are closed by whoever made them. */
  close(): Promise<void>;
}

/** Where a registry writes what people should know: a pino logger fits. */
export interface RegistryLog {
  info(message: string): void;
  warn(message: string): void;
}

/** What every registry takes. */
export interface RegistryOptions {
  /** Name under which daemons register. */
  service: string;
  log: RegistryLog;
}

export const REGISTRY_DEFAULTS = { service: 'im/state-server', leaseTtlMs: 10_000 } as const;
