import { expect, test } from 'vitest';
import { STORE_DEFAULTS } from '../../../../src/presence/defaults.ts';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { startCluster } from '../../../support/cluster.ts';
import { disposables } from '../../../support/disposables.ts';
import { startSentinels } from '../../../support/sentinels.ts';

/** Enough attempts for each node to be asked first, in any order. */
const STARTS = 12;

/** Connects repeatedly, as a daemon does when it starts. */
async function openOften(url: string): Promise<void> {
  for (let i = 0; i < STARTS; i++) {
    const store = new RedisStore({ ...STORE_DEFAULTS, url, shards: 16 });
    try {
      await store.open();
    } finally {
      await store.close();
    }
  }
}

test('finds a store while one of three Sentinels is silent', async () => {
  const redis = await startSentinels(0);
  disposables.push(() => redis.stop());
  redis.sentinels[0]?.freeze();
  await expect(openOften(redis.url)).resolves.toBeUndefined();
});

test('finds a store while one of the named nodes of a cluster is silent', async () => {
  const redis = await startCluster(3, 1);
  disposables.push(() => redis.stop());
  redis.nodes[3]?.freeze();
  await expect(openOften(redis.url)).resolves.toBeUndefined();
});
