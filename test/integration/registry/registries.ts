import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Etcd3 } from 'etcd3';
import { storeFile } from '../../../packages/client/src/registry/directory/files.ts';
import { DirectoryRegistry } from '../../../src/registry/directory/DirectoryRegistry.ts';
import { EtcdRegistry } from '../../../src/registry/etcd/EtcdRegistry.ts';
import { temporaryDirectory } from '../../support/servers.ts';
import type { RegistryUnderTest } from './contract.ts';

/** Registries on etcd, with their own service. */
export async function makeEtcdRegistries(hosts: string, leaseTtlMs = 2_000): Promise<RegistryUnderTest> {
  const service = `test/${randomUUID()}`;
  const warnings: string[] = [];
  const make = () =>
    new EtcdRegistry({
      hosts,
      service,
      leaseTtlMs,
      log: { info: () => {}, warn: (message) => void warnings.push(message) },
    });
  const [daemon, client] = await Promise.all([make(), make()]);
  const etcd = new Etcd3({ hosts: hosts.split(',').map((host) => `http://${host}`) });
  return {
    daemon,
    client,
    warnings,
    putRaw: async (key, value) => void (await etcd.put(`${service}/${key}`).value(value)),
    putStore: async (addr, storeId) =>
      void (await etcd.put(`${service}.store/${addr}`).value(JSON.stringify({ storeId }))),
    deleteStore: async (addr) => void (await etcd.delete().key(`${service}.store/${addr}`)),
    deleteRaw: async (addr) => void (await etcd.delete().key(`${service}/${addr}`)),
    getRaw: async (addr) => (await etcd.get(`${service}/${addr}`).string()) ?? undefined,
    remove: async () => {
      await Promise.all([daemon.close(), client.close()]);
      await etcd
        .delete()
        .prefix(service)
        .exec()
        .catch(() => {});
      etcd.close();
    },
  };
}

/** Registries in one data directory. */
export async function makeDirectoryRegistries(): Promise<RegistryUnderTest> {
  const folder = await temporaryDirectory();
  const warnings: string[] = [];
  const service = 'im/state-server';
  const entries = join(folder.path, 'registry', encodeURIComponent(service));
  const file = (key: string) => join(entries, `${encodeURIComponent(key)}.json`);
  const make = () =>
    new DirectoryRegistry({
      dataDir: folder.path,
      service,
      log: { info: () => {}, warn: (message) => void warnings.push(message) },
    });
  return {
    daemon: make(),
    client: make(),
    warnings,
    putRaw: async (key, value) => {
      await mkdir(entries, { recursive: true });
      await writeFile(file(key), value);
    },
    putStore: async (addr, storeId) => {
      await mkdir(entries, { recursive: true });
      await writeFile(storeFile(entries, addr), JSON.stringify({ storeId }));
    },
    deleteStore: (addr) => rm(storeFile(entries, addr)),
    deleteRaw: (addr) => rm(file(addr)),
    getRaw: (addr) => readFile(file(addr), 'utf8').catch(() => undefined),
    remove: () => folder.remove(),
  };
}
