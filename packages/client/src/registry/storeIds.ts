/**
 * The published identities of stores, by address. Daemons of older versions and other servers publish none.
 */
export type StoreIds = ReadonlyMap<string, string>;

/** The value for an identity beside an entry: an object, so that fields can be added. */
export function formatStoreId(identity: string): string {
  return JSON.stringify({ storeId: identity });
}

/** The identity in such a value; undefined if it has none. */
export function parseStoreId(value: string): string | undefined {
  try {
    const storeId: unknown = JSON.parse(value)?.storeId;
    return typeof storeId === 'string' && storeId !== '' ? storeId : undefined;
  } catch {
    return undefined;
  }
}
