import type { StoreIds } from 'imstate-client/internal/registry/storeIds';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** What a daemon states about its store when it registers. */
export interface StoreClaim {
  /**
   * See PresenceStore.identity: it may change while the daemon runs. Undefined publishes and compares
   * nothing.
   */
  identity(): string | undefined;
  /** Whether to register beside daemons of another store. */
  allowOther: boolean;
}

/** Registers an address without a store. */
export const NO_STORE: StoreClaim = { identity: () => undefined, allowOther: true };

/** The daemons of other stores, by their addresses. */
export function daemonsOfOthers(stores: StoreIds, addr: string, identity: string | undefined): StoreIds {
  if (identity === undefined) return new Map();
  return new Map([...stores].filter(([each, id]) => each !== addr && id !== identity));
}

/**
 * The error of a daemon that is not registered because daemons of other stores are; there is at least one.
 */
export function storeMismatch(addr: string, identity: string, others: StoreIds): ImstateError {
  const [[other, otherId]] = [...others] as [[string, string]];
  const rest = others.size - 1;
  const more = rest > 0 ? ` (and ${rest} more ${rest === 1 ? 'daemon' : 'daemons'} with another store)` : '';
  return new ImstateError(
    'STORE_MISMATCH',
    `${addr} is not registered: its store has identity ${identity}, but ${other} is registered with store ${otherId}${more}. ` +
      'Daemons of one registry must share a store: correct --redis, --key-prefix or --service, or, to migrate, give --allow-other-store',
    { field: '--redis' },
  );
}

/** Whether this is the error of {@link storeMismatch}. */
export function isStoreMismatch(error: unknown): error is ImstateError {
  return error instanceof ImstateError && error.code === 'STORE_MISMATCH';
}

/** How many different stores these daemons have. */
export function countStores(others: StoreIds): number {
  return new Set(others.values()).size;
}
