import { Cluster } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { routeScripts } from '../../../../../src/store/redis/cluster.ts';
import {
  hasSlots,
  ownerOfSlot,
  refreshSlots,
} from '../../../../../src/store/redis/internals/clusterSlots.ts';

const clusterWith = (fields: object) => fields as unknown as Cluster;

test('finds the slots in the installed version of ioredis', () => {
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  expect(hasSlots(cluster)).toBe(true);
  expect(ownerOfSlot(cluster, 0)).toBe('');
});

test('reads the master of a slot, and refreshes it', () => {
  const refreshSlotsCache = vi.fn();
  const cluster = clusterWith({ slots: [['10.0.0.1:6379', '10.0.0.2:6379']], refreshSlotsCache });
  expect([ownerOfSlot(cluster, 0), ownerOfSlot(cluster, 1)]).toEqual(['10.0.0.1:6379', '']);
  refreshSlots(cluster);
  expect(refreshSlotsCache).toHaveBeenCalledOnce();
});

test.each([{}, { slots: [] }, { slots: 'hidden', refreshSlotsCache: () => {} }])(
  'rejects a Cluster of another shape: %j',
  (fields) => {
    expect(hasSlots(clusterWith(fields))).toBe(false);
    expect(() => routeScripts(clusterWith(fields), ['imApply'])).toThrow(
      expect.objectContaining({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('this version of ioredis cannot be used with Redis Cluster'),
      }),
    );
  },
);
