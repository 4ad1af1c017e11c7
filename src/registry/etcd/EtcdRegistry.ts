import { EtcdDiscovery, type EtcdOptions } from 'imstate-client/internal/registry/etcd/EtcdDiscovery';
import type { Registration, Registry } from '../registry.js';
import { NO_STORE } from '../storeClaim.js';
import { EtcdRegistration } from './EtcdRegistration.js';

/** Options of {@link EtcdRegistry}. */
export interface EtcdRegistryOptions extends EtcdOptions {
  /** How long an entry outlives its daemon. Milliseconds, in whole seconds. */
  leaseTtlMs: number;
}

/**
 * Registers daemons in etcd: key `<service>/<addr>` under a lease, as etcd's Go naming client writes it. See
 * Registry.
 *
 * @example
 * const registry = new EtcdRegistry({ hosts: '127.0.0.1:2379', service: 'im/state-server', … }); const
 * registration = await registry.register('10.0.0.5:8080');
 */
export class EtcdRegistry extends EtcdDiscovery implements Registry {
  readonly #options: EtcdRegistryOptions;

  constructor(options: EtcdRegistryOptions) {
    super(options);
    this.#options = options;
  }

  register(addr: string, store = NO_STORE): Promise<Registration> {
    const { service, leaseTtlMs, log } = this.#options;
    return EtcdRegistration.start({ nodes: this.nodes, service, addr, leaseTtlMs, log, store });
  }
}
