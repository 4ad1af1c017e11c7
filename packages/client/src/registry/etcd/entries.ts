import type { Endpoint, RegistryLog } from '../discovery.js';
import { parseEntry, sortEndpoints } from '../entry.js';
import { registryError } from './faults.js';
import type { EtcdNodes } from './nodes.js';

/** The key of an entry. */
export function entryKey(service: string, addr: string): string {
  return `${service}/${addr}`;
}

/** The entries of a service by key, and the revision of etcd at which they stood. */
export interface Listing {
  byKey: Map<string, Endpoint>;
  endpoints: Endpoint[];
  revision: bigint;
}

/** Reads all entries of a service at once. */
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

/** Takes an entry over, or warns of it and leaves it out. */
export function readInto(byKey: Map<string, Endpoint>, key: string, value: string, log: RegistryLog): void {
  const entry = parseEntry(value);
  if ('broken' in entry) {
    byKey.delete(key);
    log.warn(`etcd entry ${JSON.stringify(key)} is ignored: ${entry.broken}`);
  } else {
    byKey.set(key, entry);
  }
}
