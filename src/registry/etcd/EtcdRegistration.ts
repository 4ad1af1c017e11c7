import { setTimeout as delay } from 'node:timers/promises';
import type { RegistryLog } from 'imstate-client/internal/registry/discovery';
import { formatEntry } from 'imstate-client/internal/registry/entry';
import { entryKey } from 'imstate-client/internal/registry/etcd/entries';
import { registryError } from 'imstate-client/internal/registry/etcd/faults';
import type { EtcdNodes } from 'imstate-client/internal/registry/etcd/nodes';
import { backoffMs } from 'imstate-client/internal/shared/backoff';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Registration } from '../registry.js';
import { countStores, isStoreMismatch, type StoreClaim } from '../storeClaim.js';
import { EtcdStoreKey } from './EtcdStoreKey.js';
import { grantLease, renewLease, revokeLease } from './lease.js';

interface RegistrationOptions {
  nodes: EtcdNodes;
  service: string;
  addr: string;
  leaseTtlMs: number;
  log: RegistryLog;
  store: StoreClaim;
}

/**
 * One entry in etcd, kept for as long as its daemon runs. Three times in the TTL of the lease it renews the
 * lease and checks that the entry is present under it. If the lease or the entry is gone (expired while etcd
 * was unavailable or frozen, wiped, deleted by hand), it is created again.
 */
export class EtcdRegistration implements Registration {
  readonly #options: RegistrationOptions;
  readonly #storeKey: EtcdStoreKey;
  readonly #stopped = new AbortController();
  #lease: string | undefined;
  #renewedAt = 0;
  #refusal: ImstateError | undefined;
  #running: Promise<void> = Promise.resolve();

  /** Resolves once the entry is present; rejects if etcd cannot be reached now. */
  static async start(options: RegistrationOptions): Promise<EtcdRegistration> {
    const registration = new EtcdRegistration(options);
    try {
      await registration.#renew();
    } catch (error) {
      await registration.#drop();
      throw registryError(error);
    }
    registration.#running = registration.#keep();
    return registration;
  }

  private constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#storeKey = new EtcdStoreKey(options);
  }

  get isRegistered(): boolean {
    const isAlive = performance.now() - this.#renewedAt < this.#options.leaseTtlMs;
    return this.#lease !== undefined && this.#refusal === undefined && isAlive;
  }

  get refusal(): ImstateError | undefined {
    return this.#refusal;
  }

  get otherStores(): number {
    return countStores(this.#storeKey.others);
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#drop();
  }

  async #keep(): Promise<void> {
    const { leaseTtlMs, log, addr } = this.#options;
    let failures = 0;
    while (await this.#wait(failures === 0 ? leaseTtlMs / 3 : backoffMs(failures))) {
      try {
        await this.#renew();
        if (failures > 0) log.info(`${addr} is registered in etcd again`);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (isStoreMismatch(error)) await this.#refuse(error);
        else if (failures === 1)
          log.warn(
            `etcd does not keep the registration of ${addr}: ${registryError(error).message}; trying again`,
          );
      }
    }
  }

  /** While daemons of another store are registered, an entry that is gone is not written again. */
  async #refuse(mismatch: ImstateError): Promise<void> {
    if (this.#refusal === undefined) this.#options.log.warn(mismatch.message);
    this.#refusal = mismatch;
    await this.#drop();
  }

  /** Makes sure that the entry is present under a lease that has just been granted or renewed. */
  async #renew(): Promise<void> {
    const { nodes, service, addr, leaseTtlMs } = this.#options;
    const key = entryKey(service, addr);
    if (this.#lease !== undefined && performance.now() - this.#renewedAt < leaseTtlMs) {
      const alive = await this.#keepAlive(this.#lease);
      if (alive && (await this.#isPresent(key, this.#lease))) return this.#storeKey.refresh(this.#lease);
      if (!alive) this.#lease = undefined;
    } else {
      this.#lease = undefined;
    }
    // Before a lease is granted, so that a rejected daemon leaves none behind.
    await this.#storeKey.check();
    const startedAt = performance.now();
    this.#lease ??= await grantLease(nodes, leaseTtlMs);
    await this.#storeKey.putWith({ key, value: formatEntry(addr) }, this.#lease);
    this.#renewedAt = startedAt;
    this.#refusal = undefined;
  }

  /** Renews the lease; false if etcd no longer knows it. */
  async #keepAlive(lease: string): Promise<boolean> {
    const startedAt = performance.now();
    const alive = await renewLease(this.#options.nodes, lease);
    if (alive) this.#renewedAt = startedAt;
    return alive;
  }

  async #isPresent(key: string, lease: string): Promise<boolean> {
    const { kvs } = await this.#options.nodes.call((client) => client.get(key).exec());
    return kvs[0]?.lease === lease;
  }

  /** Revokes the lease, which removes the entry; if etcd does not respond, both expire. */
  async #drop(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    await revokeLease(this.#options.nodes, lease).catch((error) => {
      this.#options.log.warn(
        `the entry of ${this.#options.addr} stays in etcd until its lease expires: ${registryError(error).message}`,
      );
    });
  }

  /** True after `ms`, false as soon as the registration is closed. */
  #wait(ms: number): Promise<boolean> {
    return delay(ms, true, { signal: this.#stopped.signal }).catch(() => false);
  }
}
