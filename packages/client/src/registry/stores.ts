/** The identities that daemons publish, by their addresses. Daemons of older versions and others' servers publish none. */
export type StoreIds = ReadonlyMap<string, string>;

/** The value that holds an identity, beside an entry. An object, so that it can grow. */
export function formatStoreId(identity: string): string {
  return JSON.stringify({ storeId: identity });
}

/** Reads such a value; undefined if it holds none. */
export function parseStoreId(value: string): string | undefined {
  try {
    const storeId: unknown = JSON.parse(value)?.storeId;
    return typeof storeId === 'string' && storeId !== '' ? storeId : undefined;
  } catch {
    return undefined;
  }
}
