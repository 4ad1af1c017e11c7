import { randomUUID } from 'node:crypto';

/** Creates the identity of a store, which distinguishes it from others and stays with the data. */
export function newStoreId(): string {
  return randomUUID();
}

/** The short form of an identity, for tables and messages. */
export function shortStoreId(id: string): string {
  return id.slice(0, 8);
}
