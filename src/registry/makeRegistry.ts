import type { RegistryLog } from 'imstate-client/internal/registry/discovery';
import type { DiscoveryConfig } from 'imstate-client/internal/registry/makeDiscovery';
import { DirectoryRegistry } from './directory/DirectoryRegistry.js';
import type { Registry } from './registry.js';

/** Which registry a daemon registers in, and how. */
export interface RegistryConfig extends DiscoveryConfig {
  /** How long an entry in etcd outlives its daemon. Milliseconds, in whole seconds. */
  leaseTtlMs: number;
}

/** Creates the configured registry, which connects on first use. */
export async function makeRegistry(config: RegistryConfig, log: RegistryLog): Promise<Registry> {
  const { etcd, service, dataDir, leaseTtlMs } = config;
  if (etcd === undefined) return new DirectoryRegistry({ dataDir, service, log });
  const { etcdUsername: username, etcdPassword: password, etcdTls: tls } = config;
  const { EtcdRegistry } = await import('./etcd/EtcdRegistry.js');
  return new EtcdRegistry({ hosts: etcd, username, password, tls, service, leaseTtlMs, log });
}
