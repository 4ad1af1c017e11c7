import type { TlsFiles } from '../tls/names.js';
import { DirectoryDiscovery } from './directory/DirectoryDiscovery.js';
import type { RegistryLog, ServiceDiscovery } from './discovery.js';

/** Which registry to use, and how. */
export interface DiscoveryConfig {
  /** Nodes of etcd, "host:port,…"; undefined for the embedded registry. */
  etcd: string | undefined;
  etcdUsername?: string | undefined;
  etcdPassword?: string | undefined;
  /** For https:// nodes of etcd: CA and client certificate. */
  etcdTls?: TlsFiles | undefined;
  /** Name under which daemons register. */
  service: string;
  /** Data directory of the embedded registry. */
  dataDir: string;
}

/** Creates the configured discovery, which connects on first use. */
export async function makeDiscovery(config: DiscoveryConfig, log: RegistryLog): Promise<ServiceDiscovery> {
  const { etcd, service, dataDir } = config;
  if (etcd === undefined) return new DirectoryDiscovery({ dataDir, service, log });
  const { etcdUsername: username, etcdPassword: password, etcdTls: tls } = config;
  // Loaded on demand: the etcd client is larger than the rest of a command.
  const { EtcdDiscovery } = await import('./etcd/EtcdDiscovery.js');
  return new EtcdDiscovery({ hosts: etcd, username, password, tls, service, log });
}
