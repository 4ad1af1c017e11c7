import { messageOf } from '../../shared/errors.js';
import { parseStoreId, type StoreIds } from '../storeIds.js';
import { registryError } from './faults.js';
import type { EtcdNodes } from './nodes.js';

/** A key and its value. */
export interface KeyValue {
  key: string;
  value: string;
}

/** The published identities of stores, as of a revision of etcd. */
interface StoreListing {
  stores: StoreIds;
  revision: bigint;
}

/** The key for the store of a daemon. It is not below `<service>/`, where resolvers would find it. */
export function storeKey(service: string, addr: string): string {
  return `${storePrefix(service)}${addr}`;
}

export function storePrefix(service: string): string {
  return `${service}.store/`;
}

/** Reads the identities; undefined if etcd denies access. */
export async function listStores(nodes: EtcdNodes, service: string): Promise<StoreListing | undefined> {
  const prefix = storePrefix(service);
  try {
    const answer = await nodes.call((client) => client.getAll().prefix(prefix).exec());
    const stores = new Map<string, string>();
    for (const { key, value } of answer.kvs) {
      const identity = parseStoreId(value.toString());
      if (identity !== undefined) stores.set(key.toString().slice(prefix.length), identity);
    }
    return { stores, revision: BigInt(answer.header.revision) };
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw registryError(error);
  }
}

/** Writes in one transaction unless an identity was written after `revision`; returns whether it wrote. */
export async function putUnlessChanged(
  nodes: EtcdNodes,
  service: string,
  revision: bigint,
  puts: KeyValue[],
  lease: string,
): Promise<boolean> {
  const prefix = storePrefix(service);
  const { succeeded } = await nodes.call(({ kv }) =>
    kv.txn({
      compare: [
        {
          target: 'Mod',
          result: 'Less',
          mod_revision: String(revision + 1n),
          key: Buffer.from(prefix),
          range_end: Buffer.from(prefix.replace(/\/$/, '0')),
        },
      ],
      success: puts.map(({ key, value }) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value), lease },
      })),
    }),
  );
  return succeeded;
}

/** Whether etcd denied access. */
export function isDenied(error: unknown): boolean {
  return /permission denied/i.test(messageOf(error));
}
