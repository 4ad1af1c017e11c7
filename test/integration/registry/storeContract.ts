import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Registration, Registry } from '../../../src/registry/registry.ts';
import { until } from '../../support/until.ts';
import type { RegistryUnderTest } from './contract.ts';

const [A, B] = ['127.0.0.1:1', '127.0.0.1:2'] as const;

/** The contract of a registry for the stores of daemons. */
export function describeStores(name: string, makeRegistry: () => Promise<RegistryUnderTest>): void {
  describe(`${name} registry: the stores of daemons`, () => {
    let underTest: RegistryUnderTest;
    let daemon: Registry;
    let client: Registry;
    const registrations: Registration[] = [];

    beforeEach(async () => {
      underTest = await makeRegistry();
      ({ daemon, client } = underTest);
    });

    afterEach(async () => {
      for (const registration of registrations.splice(0)) await registration.close();
      await underTest.remove();
    });

    async function register(addr: string, identity: string | undefined, allowOther = false) {
      const registration = await daemon.register(addr, { identity: () => identity, allowOther });
      registrations.push(registration);
      return registration;
    }

    async function stores(): Promise<[string, string | undefined][]> {
      const listed = await client.listStores();
      return (await client.list()).map(({ addr }) => [addr, listed.get(addr)]);
    }

    test('the identity is published beside the unchanged entry, and removed with it', async () => {
      const registration = await register(A, 'store-1');
      expect(await stores()).toEqual([[A, 'store-1']]);
      expect(await underTest.getRaw(A)).toBe(`{"Op":0,"Addr":"${A}","Metadata":null}`);
      await register(B, 'store-1');
      await registration.close();
      expect(await stores()).toEqual([[B, 'store-1']]);
    });

    test('a daemon of another store is rejected, and leaves nothing behind', async () => {
      await register(A, 'store-1');
      await expect(register(B, 'store-2')).rejects.toMatchObject({
        code: 'STORE_MISMATCH',
        exitCode: 2,
        message: expect.stringMatching(
          /^127\.0\.0\.1:2 is not registered: .*store-2.*127\.0\.0\.1:1.*store-1.*--allow-other-store$/,
        ),
      });
      expect(await stores()).toEqual([[A, 'store-1']]);
      await (registrations.pop() as Registration).close();
      await register(B, 'store-2');
      expect(await stores()).toEqual([[B, 'store-2']]);
    });

    test('a daemon of another store registers where that is allowed, and both are counted', async () => {
      const first = await register(A, 'store-1');
      const second = await register(B, 'store-2', true);
      expect(second.otherStores).toBe(1);
      await until(() => first.otherStores === 1, 'the first notices the second');
      expect(first).toMatchObject({ isRegistered: true, refusal: undefined });
    });

    test('entries without an identity do not conflict', async () => {
      await underTest.putRaw(A, `{"Op":0,"Addr":"${A}","Metadata":null}`);
      await register(B, 'store-2');
      expect(await stores()).toEqual([
        [A, undefined],
        [B, 'store-2'],
      ]);
      await register('127.0.0.1:3', undefined);
    });

    test('of daemons of two stores that start at once, those of at most one are registered', async () => {
      for (let round = 0; round < 5; round++) {
        const starts = Array.from({ length: 8 }, (_, i) => register(`127.0.0.1:${i + 1}`, `store-${i % 2}`));
        await Promise.allSettled(starts);
        const registered = new Set((await stores()).map(([, storeId]) => storeId));
        expect(registered.size).toBeLessThanOrEqual(1);
        for (const registration of registrations.splice(0)) await registration.close();
      }
    });

    test('a daemon with another store takes over its own entry', async () => {
      await underTest.putRaw(A, `{"Op":0,"Addr":"${A}","Metadata":null}`);
      await underTest.putStore(A, 'store-1');
      await register(A, 'store-2');
      expect(await stores()).toEqual([[A, 'store-2']]);
    });

    test('an identity that changes is published, and the entry stays', async () => {
      let identity = 'store-1';
      const registration = await daemon.register(A, { identity: () => identity, allowOther: false });
      registrations.push(registration);
      await register(B, 'store-1');
      identity = 'store-2';
      await until(async () => (await stores())[0]?.[1] === 'store-2', 'the identity is published');
      expect(registration.isRegistered).toBe(true);
    });

    test('a lost entry is not written again beside another store', async () => {
      const registration = await register(A, 'store-1');
      await underTest.putStore(B, 'store-2');
      await underTest.deleteRaw(A);
      await until(() => registration.refusal !== undefined, 'the daemon is refused');
      expect(registration.isRegistered).toBe(false);
      expect(registration.refusal).toMatchObject({ code: 'STORE_MISMATCH' });
      expect(await client.list()).toEqual([]);
      expect(underTest.warnings.join()).toContain('store-2');
      await underTest.deleteStore(B);
      await until(() => registration.isRegistered, 'the daemon is registered again');
      expect(registration.refusal).toBeUndefined();
      expect(await stores()).toEqual([[A, 'store-1']]);
    });

    test('a present entry stays, whichever daemons register', async () => {
      const registration = await register(A, 'store-1');
      await underTest.putStore(B, 'store-2');
      await until(() => registration.otherStores === 1, 'the other store is noticed');
      expect(registration.isRegistered).toBe(true);
      expect(await stores()).toEqual([[A, 'store-1']]);
    });
  });
}
