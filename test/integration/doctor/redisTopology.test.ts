import { describe, expect, test } from 'vitest';
import { startCluster } from '../../support/cluster.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { look } from '../../support/doctor.ts';
import { startPartialCluster, victims } from '../../support/partialCluster.ts';
import { startSentinels } from '../../support/sentinels.ts';
import { until } from '../../support/until.ts';

describe('Redis', () => {
  test('that is a cluster is checked as a whole, and only by its own kind of URL', async () => {
    const cluster = await startCluster(3);
    disposables.push(() => cluster.stop());
    const reports = await look({ redis: cluster.url, keyPrefix: 'im:' });
    expect(reports['redis-topology']).toMatchObject({
      status: 'ok',
      message: 'a cluster of 3 masters, which is complete',
    });
    expect(reports['redis-coverage']).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(
        /: one lost master takes all users down \(cluster-require-full-coverage yes\): CONFIG SET cluster-require-full-coverage no /,
      ),
    });
    for (const name of ['dial', 'version', 'memory', 'rights', 'clock', 'layout'])
      expect([name, reports[`redis-${name}`]?.status]).toEqual([name, 'ok']);
    const plain = (await look({ redis: cluster.nodes[0]?.url }))['redis-topology'];
    expect(plain).toMatchObject({ status: 'failed', message: expect.stringContaining('redis+cluster://') });
    await cluster.nodes[2]?.kill();
    await until(async () => {
      const { 'redis-topology': topology } = await look({ redis: cluster.url });
      return topology?.status === 'failed' && topology.message.includes('the cluster is incomplete');
    }, 'the cluster is down');
  });

  test('that is a cluster without one of its masters names the unavailable shards', async () => {
    for (const away of ['layout', 'other'] as const) {
      const { url: redis, masters } = await startPartialCluster();
      const daemon = await startDaemon({ redis, keyPrefix: 'im:' });
      const { node, shards } = victims(masters)[away];
      expect((await look({ redis, keyPrefix: 'im:' }))['redis-coverage']?.status).toBe('ok');
      await node.kill();
      const named = `calls on its users (${shards.length} of 16 shards: ${shards.join(', ')}) fail until then`;
      await until(async () => {
        const { 'redis-dial': dial } = await look({ redis, keyPrefix: 'im:' });
        return dial?.status === 'warning' && dial.message.endsWith(named);
      }, 'the shards are named');
      await daemon.stop();
    }
  });

  test('that Sentinels name is compared with the response of each', async () => {
    const sentinels = await startSentinels(1);
    disposables.push(() => sentinels.stop());
    const judged = async () => (await look({ redis: sentinels.url, waitReplicas: 1 }))['redis-topology'];
    expect(await judged()).toMatchObject({
      status: 'ok',
      message: `127.0.0.1:${sentinels.master.port} is the master presence, as 3 Sentinels say`,
    });
    const [, second] = sentinels.sentinels;
    const one = { redis: `redis+sentinel://127.0.0.1:${second?.port}/presence` };
    expect((await look(one))['redis-topology']?.message).toContain('as 1 Sentinel says');
    await second?.kill();
    expect(await judged()).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('does not answer'),
    });
  });
});
