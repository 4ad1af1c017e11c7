import type { TlsFiles } from '../../tls/names.js';
import type {
  Endpoint,
  RegistryLog,
  RegistryOptions,
  ServiceDiscovery,
  Watch,
  WatchListener,
} from '../discovery.js';
import type { StoreIds } from '../storeIds.js';
import { EtcdWatch } from './EtcdWatch.js';
import { listEntries } from './entries.js';
import { parseEtcdHosts } from './hosts.js';
import { EtcdNodes } from './nodes.js';
import { listStores } from './stores.js';

/** Options of {@link EtcdDiscovery}. */
export interface EtcdOptions extends RegistryOptions {
  /**
   * Nodes of the cluster, separated by commas: each `host:port`, `http://host:port` or `https://host:port`.
   */
  hosts: string;
  username?: string | undefined;
  password?: string | undefined;
  /** For https:// nodes. By default the CAs of Node.js are trusted, and no client certificate is sent. */
  tls?: TlsFiles | undefined;
}

/**
 * Finds daemons in etcd: key `<service>/<addr>` under a lease, as etcd's Go naming client writes it. See
 * ServiceDiscovery.
 */
export class EtcdDiscovery implements ServiceDiscovery {
  readonly description: string;
  readonly service: string;
  readonly scheme = 'etcd';
  readonly #log: RegistryLog;
  protected readonly nodes: EtcdNodes;

  constructor(options: EtcdOptions) {
    const hosts = parseEtcdHosts(options.hosts);
    this.nodes = new EtcdNodes({ ...options, hosts });
    this.#log = options.log;
    this.service = options.service;
    this.description = `etcd ${hosts.map((host) => host.replace('http://', '')).join(',')}`;
  }

  async list(): Promise<Endpoint[]> {
    return (await listEntries(this.nodes, this.service, this.#log)).endpoints;
  }

  async listStores(): Promise<StoreIds> {
    return (await listStores(this.nodes, this.service))?.stores ?? new Map();
  }

  watch(listener: WatchListener): Watch {
    return new EtcdWatch({ nodes: this.nodes, service: this.service, log: this.#log, listener });
  }

  async close(): Promise<void> {
    this.nodes.close();
  }
}
