import { EmbeddedRegistry } from './embedded/EmbeddedRegistry.js';
import { EtcdRegistry } from './etcd/EtcdRegistry.js';
import type { Registry, RegistryLog } from './registry.js';

/** Which registry, and how it is used. */
export interface RegistryConfig {
  /** Nodes of etcd, "host:port,…"; undefined for the embedded registry. */
  etcd: string | undefined;
  etcdUsername?: string | undefined;
  etcdPassword?: string | undefined;
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
  const { etcdUsername: username, etcdPassword: password, leaseTtlMs } = config;
  return EtcdRegistry.make({ hosts: etcd, username, password, service, leaseTtlMs, log });
}
