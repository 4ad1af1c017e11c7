import type { RegistryLog } from 'imstate-client/internal/registry/discovery';
import type { EtcdNodes } from 'imstate-client/internal/registry/etcd/nodes';
import {
  isDenied,
  type KeyValue,
  listStores,
  putUnlessChanged,
  storeKey,
  storePrefix,
} from 'imstate-client/internal/registry/etcd/stores';
import { formatStoreId, type StoreIds } from 'imstate-client/internal/registry/storeIds';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { daemonsOfOthers, type StoreClaim, storeMismatch } from '../storeClaim.js';

interface StoreKeyOptions {
  nodes: EtcdNodes;
  service: string;
  addr: string;
  log: RegistryLog;
  store: StoreClaim;
}

/** Daemons that start at once conflict with each other; a few tries are enough for dozens of them. */
const MAX_TRIES = 20;

/**
 * The identity of a daemon's store beside its entry, under the same lease. An entry is only written while no
 * daemon of another store is registered. If etcd denies access to the key, the entry is written without it.
 */
export class EtcdStoreKey {
  readonly #options: StoreKeyOptions;
  #others: StoreIds = new Map();
  #hasWarned = false;

  constructor(options: StoreKeyOptions) {
    this.#options = options;
  }

  /** The daemons of other stores, as of the last check. */
  get others(): StoreIds {
    return this.#others;
  }

  /** Rejects with STORE_MISMATCH if daemons of another store are registered and that is not allowed. */
  async check(): Promise<void> {
    await this.#compare(this.#options.store.identity());
  }

  /** Writes the entry with the identity beside it; rejects with STORE_MISMATCH like {@link check}. */
  async putWith(entry: KeyValue, lease: string): Promise<void> {
    const { nodes, service, addr, store } = this.#options;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const identity = store.identity();
      const revision = await this.#compare(identity);
      if (identity === undefined || revision === undefined) return this.#put(entry, lease);
      const puts = [entry, { key: storeKey(service, addr), value: formatStoreId(identity) }];
      try {
        if (await putUnlessChanged(nodes, service, revision, puts, lease)) return;
      } catch (error) {
        if (!isDenied(error)) throw error;
        this.#warnDenied();
        return this.#put(entry, lease);
      }
    }
    const message =
      `${addr} is not registered in etcd yet: other daemons registered during each of ${MAX_TRIES} tries; ` +
      'the daemon keeps trying';
    throw new ImstateError('REGISTRY_UNAVAILABLE', message);
  }

  /**
   * Reads the identities of the other daemons, and corrects that of this one. The entry stays in any case.
   */
  async refresh(lease: string): Promise<void> {
    const { nodes, service, addr, store, log } = this.#options;
    const listing = await listStores(nodes, service);
    const identity = store.identity();
    if (listing === undefined || identity === undefined) return;
    const before = this.#others.size;
    this.#others = daemonsOfOthers(listing.stores, addr, identity);
    if (before === 0 && this.#others.size > 0)
      log.warn(`daemons of another store are registered: ${[...this.#others.keys()].join(', ')}`);
    if (listing.stores.get(addr) === identity) return;
    await this.#put({ key: storeKey(service, addr), value: formatStoreId(identity) }, lease).catch(
      (error) => {
        if (!isDenied(error)) throw error;
        this.#warnDenied();
      },
    );
  }

  /**
   * Compares with the stores of the other daemons. Returns the revision at which none conflicted; undefined
   * if etcd denies access.
   */
  async #compare(identity: string | undefined): Promise<bigint | undefined> {
    const { nodes, service, addr, store } = this.#options;
    const listing = await listStores(nodes, service);
    if (listing === undefined) {
      this.#warnDenied();
      return undefined;
    }
    this.#others = daemonsOfOthers(listing.stores, addr, identity);
    if (identity !== undefined && this.#others.size > 0 && !store.allowOther)
      throw storeMismatch(addr, identity, this.#others);
    return listing.revision;
  }

  async #put({ key, value }: KeyValue, lease: string): Promise<void> {
    await this.#options.nodes.call((client) => client.put(key).value(value).lease(lease).exec());
  }

  #warnDenied(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const prefix = storePrefix(this.#options.service);
    this.#options.log.warn(
      `etcd denies access to the keys below ${prefix}, so daemons of another store go unnoticed: ` +
        `etcdctl role grant-permission ROLE --prefix=true readwrite ${prefix}`,
    );
  }
}
