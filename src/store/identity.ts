import { randomUUID } from 'node:crypto';

/** Makes the identity of a store: it tells one store from another, and stays with the data. */
export function newStoreId(): string {
  return randomUUID();
}

/** A store's identity as tables and messages show it. */
export function shortStoreId(id: string): string {
  return id.slice(0, 8);
}
