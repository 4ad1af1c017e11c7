import type { ServiceDiscovery } from 'imstate-client/internal/registry/discovery';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { StoreClaim } from './storeClaim.js';

/** An entry that is kept in the registry until it is closed. */
export interface Registration {
  /** Whether the entry is present, as far as is known. */
  readonly isRegistered: boolean;
  /** Why the entry is not written: daemons of another store are registered. Undefined otherwise. */
  readonly refusal: ImstateError | undefined;
  /** How many other stores daemons are registered with, as of the last check. */
  readonly otherStores: number;
  /**
   * Removes the entry; resolves even if the registry is unavailable (the entry then expires with its lease).
   */
  close(): Promise<void>;
}

/** Where daemons register their addresses, for clients to discover. */
export interface Registry extends ServiceDiscovery {
  /**
   * Writes the entry of `addr`, and resolves once it is present. From then on the entry is kept: whatever
   * happens to the registry (lease lost, restarted, wiped, frozen), it is written again, until the
   * registration is closed. An entry that is no longer kept expires with its lease. Registering an address
   * again is harmless.
   *
   * The identity of the daemon's store is kept beside the entry. An entry is not written while daemons of
   * another store are registered: the method rejects with STORE_MISMATCH, and an entry that was lost later
   * waits until they are gone. An entry that is present is never removed because of them.
   */
  register(addr: string, store?: StoreClaim): Promise<Registration>;
}
