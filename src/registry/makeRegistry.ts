import type { TlsFiles } from '../tls/names.js';
import { EmbeddedRegistry } from './embedded/EmbeddedRegistry.js';
import type { Registry, RegistryLog } from './registry.js';

/** Which registry, and how it is used. */
export interface RegistryConfig {
  /** Nodes of etcd, "host:port,…"; undefined for the embedded registry. */
  etcd: string | undefined;
  etcdUsername?: string | undefined;
  etcdPassword?: string | undefined;
  /** For https:// nodes of etcd: authority and client certificate. */
  etcdTls?: TlsFiles | undefined;
  /** Name under which daemons register. */
  service: string;
  /** How long an entry in etcd outlives its daemon. Milliseconds, whole seconds. */
  leaseTtlMs: number;
  /** Data folder of the embedded registry. */
  dataDir: string;
}

/** Makes the registry that the configuration names; nothing is called yet. */
export async function makeRegistry(config: RegistryConfig, log: RegistryLog): Promise<Registry> {
  const { etcd, service, dataDir } = config;
  if (etcd === undefined) return new EmbeddedRegistry({ dataDir, service, log });
  const { etcdUsername: username, etcdPassword: password, etcdTls: tls, leaseTtlMs } = config;
  // The etcd client is loaded only where it is used: it is most of what a command would load.
  const { EtcdRegistry } = await import('./etcd/EtcdRegistry.js');
  return EtcdRegistry.make({ hosts: etcd, username, password, tls, service, leaseTtlMs, log });
}
