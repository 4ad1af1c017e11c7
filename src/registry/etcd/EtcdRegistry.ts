import type { TlsFiles } from '../../tls/names.js';
import type { Endpoint, Registration, Registry, RegistryOptions, Watch, WatchListener } from '../registry.js';
import { NO_STORE, type StoreIds } from '../stores.js';
import { EtcdRegistration } from './EtcdRegistration.js';
import { EtcdWatch } from './EtcdWatch.js';
import { listEntries } from './entries.js';
import { parseEtcdHosts } from './hosts.js';
import { EtcdNodes } from './nodes.js';
import { listStores } from './stores.js';

/** What {@link EtcdRegistry} takes beside the common options. */
export interface EtcdRegistryOptions extends RegistryOptions {
  /** Nodes of the cluster: "host:port,…", each with http:// or https:// in front if wished. */
  hosts: string;
  username?: string | undefined;
  password?: string | undefined;
  /** For https:// nodes; what Node.js trusts and no client certificate if it is left out. */
  tls?: TlsFiles | undefined;
  /** How long an entry outlives its daemon. Milliseconds, whole seconds. */
  leaseTtlMs: number;
}

/**
 * Endpoints in etcd, as etcd's Go naming client writes and reads them: key `<service>/<addr>` under a lease.
 * Rules: see Registry.
 *
 * @example
 * const registry = await EtcdRegistry.make({ hosts: '127.0.0.1:2379', service: 'im/state-server', … });
 * const registration = await registry.register('10.0.0.5:8080');
 */
export class EtcdRegistry implements Registry {
  readonly description: string;
  readonly service: string;
  readonly scheme = 'etcd';
  readonly #options: EtcdRegistryOptions;
  readonly #nodes: EtcdNodes;

  static async make(options: EtcdRegistryOptions): Promise<EtcdRegistry> {
    const hosts = parseEtcdHosts(options.hosts);
    return new EtcdRegistry(options, new EtcdNodes({ ...options, hosts }), hosts);
  }

  private constructor(options: EtcdRegistryOptions, nodes: EtcdNodes, hosts: string[]) {
    this.#options = options;
    this.#nodes = nodes;
    this.service = options.service;
    this.description = `etcd ${hosts.map((host) => host.replace('http://', '')).join(',')}`;
  }

  register(addr: string, store = NO_STORE): Promise<Registration> {
    const { leaseTtlMs, log } = this.#options;
    const { service } = this;
    return EtcdRegistration.start({ nodes: this.#nodes, service, addr, leaseTtlMs, log, store });
  }

  async list(): Promise<Endpoint[]> {
    return (await listEntries(this.#nodes, this.service, this.#options.log)).endpoints;
  }

  async listStores(): Promise<StoreIds> {
    return (await listStores(this.#nodes, this.service))?.stores ?? new Map();
  }

  watch(listener: WatchListener): Watch {
    return new EtcdWatch({ nodes: this.#nodes, service: this.service, log: this.#options.log, listener });
  }

  async close(): Promise<void> {
    this.#nodes.close();
  }
}
