import { Etcd3 } from 'etcd3';
import { describe, expect, inject, test } from 'vitest';
import { formatEntry, parseEntry } from '../../../../packages/client/src/registry/entry.ts';
import { EtcdRegistry } from '../../../../src/registry/etcd/EtcdRegistry.ts';
import vectors from '../../../fixtures/etcd-entries.json' with { type: 'json' };

const SERVICE = 'im/state-server';

describe('entries that Go clients read and write', () => {
  test('the entry of imstate is the same, byte for byte', () => {
    const addr = vectors.registered.key.slice(`${SERVICE}/`.length);
    expect(formatEntry(addr)).toBe(vectors.registered.value);
  });

  const inService = vectors.entries.filter(({ key }) => key.startsWith(`${SERVICE}/`));
  test.each(inService)('$value is $imstate', ({ value, imstate }) => {
    const entry = parseEntry(value);
    if (imstate === 'accepted') expect(entry).toMatchObject({ addr: 'a:1' });
    else expect(entry).toHaveProperty('broken');
  });

  test('on a real etcd the same entries are listed and the same ignored', async () => {
    const hosts = inject('etcdHost');
    const etcd = new Etcd3({ hosts: `http://${hosts}` });
    const warnings: string[] = [];
    const log = { info: () => {}, warn: (message: string) => void warnings.push(message) };
    for (const [i, { key, value, imstate }] of vectors.entries.entries()) {
      const root = `vector-${i}/`;
      const registry = new EtcdRegistry({ hosts, service: root + SERVICE, leaseTtlMs: 2_000, log });
      warnings.length = 0;
      await etcd.put(root + key).value(value);
      expect(await registry.list(), value).toHaveLength(imstate === 'accepted' ? 1 : 0);
      expect(warnings, value).toHaveLength(imstate === 'ignored with a warning' ? 1 : 0);
      await registry.close();
    }
    await etcd.delete().prefix('vector-').exec();
    etcd.close();
  });
});
