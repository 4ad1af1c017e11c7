import { describe, expect, test } from 'vitest';
import { eachWithStore, type MakeStore } from './underTest.ts';

/** The rules of a store's identity. */
export function describeIdentity(name: string, makeStore: MakeStore): void {
  describe(`${name} store: its identity`, () => {
    const fixture = eachWithStore(makeStore);

    test('is made at first use, and stays when the store is opened again', async () => {
      const { store } = fixture;
      const { identity } = store;
      expect(identity).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      await store.check();
      expect(store.identity).toBe(identity);
      await store.close();
      await store.open();
      expect(store.identity).toBe(identity);
    });
  });
}
