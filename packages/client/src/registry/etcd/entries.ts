import type { Endpoint, RegistryLog } from '../discovery.js';
import { parseEntry, sortEndpoints } from '../entry.js';
import { registryError } from './faults.js';
import type { EtcdNodes } from './nodes.js';

/** The key of an entry. */
export function entryKey(service: string, addr: string): string {
  return `${service}/${addr}`;
}

/** The entries of a service by key, as of a revision of etcd. */
export interface Listing {
  byKey: Map<string, Endpoint>;
  endpoints: Endpoint[];
  revision: bigint;
}

/** Reads all entries of a service. */
export async function listEntries(nodes: EtcdNodes, service: string, log: RegistryLog): Promise<Listing> {
  const answer = await nodes
    .call((client) => client.getAll().prefix(`${service}/`).exec())
    .catch((error) => {
      throw registryError(error);
    });
  const byKey = new Map<string, Endpoint>();
  for (const { key, value } of answer.kvs) readInto(byKey, key.toString(), value.toString(), log);
  return { byKey, endpoints: sortEndpoints(byKey.values()), revision: BigInt(answer.header.revision) };
}

/** Adds an entry; logs a warning and removes it if it cannot be used. */
export function readInto(byKey: Map<string, Endpoint>, key: string, value: string, log: RegistryLog): void {
  const entry = parseEntry(value);
  if ('broken' in entry) {
    byKey.delete(key);
    log.warn(`etcd entry ${JSON.stringify(key)} is ignored: ${entry.broken}`);
  } else {
    byKey.set(key, entry);
  }
}
