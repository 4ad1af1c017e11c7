import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint, Watch } from '../../../packages/client/src/registry/discovery.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { until } from '../../support/until.ts';
import { describeStores } from './storeContract.ts';

/** Registries of one service, for a daemon and for a client. */
export interface RegistryUnderTest {
  daemon: Registry;
  client: Registry;
  /** The warnings of the client's registry. */
  warnings: string[];
  /** Writes an entry without the registry, like another program. */
  putRaw(key: string, value: string): Promise<void>;
  /** Publishes a store for the daemon of an address, without the registry. */
  putStore(addr: string, storeId: string): Promise<void>;
  /** Undoes {@link putStore}. */
  deleteStore(addr: string): Promise<void>;
  /** Removes the entry of an address without the registry. */
  deleteRaw(addr: string): Promise<void>;
  /** The value of the entry of an address. */
  getRaw(addr: string): Promise<string | undefined>;
  remove(): Promise<void>;
}

/** The contract of every registry. Called by the test file of each implementation. */
export function describeRegistry(name: string, makeRegistry: () => Promise<RegistryUnderTest>): void {
  describeStores(name, makeRegistry);
  describe(`${name} registry`, () => {
    let underTest: RegistryUnderTest;
    let daemon: Registry;
    let client: Registry;

    beforeEach(async () => {
      underTest = await makeRegistry();
      ({ daemon, client } = underTest);
    });

    afterEach(() => underTest.remove());

    test('nothing is registered at first', async () => {
      expect(await client.list()).toEqual([]);
    });

    test('an entry is present once register() has resolved, in the format of the Go client', async () => {
      const registration = await daemon.register('127.0.0.1:7395');
      expect(await client.list()).toEqual([{ addr: '127.0.0.1:7395', metadata: null }]);
      expect(await underTest.getRaw('127.0.0.1:7395')).toBe(
        '{"Op":0,"Addr":"127.0.0.1:7395","Metadata":null}',
      );
      await registration.close();
      expect(await client.list()).toEqual([]);
    });

    test('endpoints are listed by address', async () => {
      const registrations = [
        await daemon.register('b.example:8080'),
        await daemon.register('[::1]:8080'),
        await daemon.register('a.example:8080'),
      ];
      const addresses = (await client.list()).map(({ addr }) => addr);
      expect(addresses).toEqual(['[::1]:8080', 'a.example:8080', 'b.example:8080']);
      await Promise.all(registrations.map((registration) => registration.close()));
    });

    test('registering an address again is harmless, and closing is final', async () => {
      const first = await daemon.register('127.0.0.1:1');
      const second = await daemon.register('127.0.0.1:1');
      expect(await client.list()).toHaveLength(1);
      await first.close();
      await second.close();
      await second.close();
      expect(await client.list()).toEqual([]);
    });

    test('a watch delivers the list, then every change', async () => {
      const first = await daemon.register('127.0.0.1:1');
      const { delivered, watch } = follow(client);
      await until(() => delivered.at(-1)?.join() === '127.0.0.1:1', 'the first list is delivered');
      const second = await daemon.register('127.0.0.1:2');
      await until(
        () => delivered.at(-1)?.join() === '127.0.0.1:1,127.0.0.1:2',
        'the second endpoint is delivered',
      );
      await first.close();
      await until(() => delivered.at(-1)?.join() === '127.0.0.1:2', 'the first endpoint is gone');
      await watch.close();
      const count = delivered.length;
      await second.close();
      expect(delivered).toHaveLength(count);
    });

    test('a watch that is closed before its first list ends without delivery', async () => {
      const { delivered, watch } = follow(client);
      await watch.close();
      expect(delivered).toEqual([]);
    });

    test('a watch of no entries delivers an empty list', async () => {
      const { delivered, watch } = follow(client);
      await until(() => delivered.length > 0, 'a list is delivered');
      expect(delivered).toEqual([[]]);
      await watch.close();
    });

    test('a broken entry is skipped with a warning, and others are listed', async () => {
      const registration = await daemon.register('127.0.0.1:1');
      await underTest.putRaw('broken', '{"Op":0,"Addr":');
      expect(await client.list()).toHaveLength(1);
      expect(underTest.warnings.join()).toContain('broken');
      await registration.close();
    });

    test('an entry that was deleted by someone else is written again', async () => {
      const registration = await daemon.register('127.0.0.1:1');
      await underTest.deleteRaw('127.0.0.1:1');
      await until(() => underTest.getRaw('127.0.0.1:1'), 'the entry is present again');
      await registration.close();
      expect(await client.list()).toEqual([]);
    });
  });
}

/** Follows a registry: the addresses of each list that was delivered, and each error. */
export function follow(registry: Registry): { delivered: string[][]; errors: Error[]; watch: Watch } {
  const delivered: string[][] = [];
  const errors: Error[] = [];
  const watch = registry.watch({
    onEndpoints: (endpoints: Endpoint[]) => delivered.push(endpoints.map(({ addr }) => addr)),
    onError: (error) => errors.push(error),
  });
  return { delivered, errors, watch };
}
