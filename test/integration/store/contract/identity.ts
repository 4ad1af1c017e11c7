import { describe, expect, test } from 'vitest';
import { eachWithStore, type MakeStore } from './underTest.ts';

/** The rules of a store's identity. */
export function describeIdentity(name: string, makeStore: MakeStore): void {
  describe(`identity of the ${name} store`, () => {
    const fixture = eachWithStore(makeStore);

    test('is created at first use, and kept when the store is reopened', async () => {
      const { identity } = fixture.store;
      expect(identity).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      await fixture.store.check();
      expect(fixture.store.identity).toBe(identity);
      await fixture.underTest.reopen();
      expect(fixture.store.identity).toBe(identity);
    });
  });
}
