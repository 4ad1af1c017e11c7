import { describeRedisUrl, parseRedisUrl } from '../store/redis/url.js';
import type { OnClose } from './check.js';
import { type Check, type Finding, ok, once, skipped, warning } from './check.js';
import { resolveHosts } from './dns.js';
import type { DoctorOptions } from './options.js';
import { judgeSockets } from './peerCertificate.js';
import { judgeClock } from './redisClock.js';
import { judgeLayout } from './redisLayout.js';
import { type Master, openRedis, type RedisNodes } from './redisNodes.js';
import { judgeReplicas } from './redisReplicas.js';
import { judgeRights } from './redisRights.js';
import {
  judgeCoverage,
  judgeEncoding,
  judgeMemory,
  judgePersistence,
  judgeVersion,
} from './redisSettings.js';
import { shardsAway } from './redisShards.js';
import { judgeCluster, judgeMaster, judgeSentinels } from './redisTopology.js';

export const REDIS_CHECKS = [
  ...(['redis-dns', 'redis-dial', 'redis-topology', 'redis-version', 'redis-memory'] as const),
  ...(['redis-persistence', 'redis-replicas', 'redis-rights', 'redis-clock', 'redis-layout'] as const),
  ...(['redis-encoding', 'redis-certificates', 'redis-coverage'] as const),
] as const;

/** The checks of Redis as a store. */
export function redisChecks(options: DoctorOptions & { redis: string }, onClose: OnClose): Check[] {
  const { redis: url, redisTls, timeoutMs, waitReplicas } = options;
  const nodes = once('Redis does not respond', timeoutMs, () =>
    openRedis(url, redisTls, (connection) => onClose(() => connection.disconnect())),
  );
  const [
    dns,
    dial,
    topology,
    version,
    memory,
    persistence,
    replicas,
    rights,
    clock,
    layout,
    encoding,
    certificates,
    coverage,
  ] = REDIS_CHECKS;
  const hosts = () => parseRedisUrl(url).nodes.map(({ host }) => host);
  const judge = (name: string, run: (nodes: RedisNodes) => Promise<Finding>): Check => ({
    name,
    needs: nodes,
    run: async () => run(await nodes.ready()),
  });
  return [
    { name: dns, run: async () => resolveHosts(hosts(), '--redis', 'STORE_UNAVAILABLE') },
    { name: dial, run: async () => judgeMasters(options, await nodes.ready()) },
    isCluster(url)
      ? { name: topology, run: () => judgeCluster(url, redisTls) }
      : judge(topology, async ({ masters: [master] }) =>
          parseRedisUrl(url).kind === 'sentinel'
            ? judgeSentinels(master as Master, url, redisTls)
            : judgeMaster(master as Master),
        ),
    judge(version, async ({ masters }) => judgeVersion(masters)),
    judge(memory, async ({ masters }) => judgeMemory(masters)),
    judge(persistence, ({ masters }) => judgePersistence(masters)),
    judge(replicas, ({ masters }) => judgeReplicas(masters, waitReplicas)),
    judge(rights, ({ masters }) => judgeRights(masters, options)),
    judge(clock, ({ masters }) => judgeClock(masters)),
    judge(layout, ({ connection, masters }) => judgeLayout(connection, masters.length, options)),
    judge(encoding, ({ masters }) => judgeEncoding(masters)),
    judge(certificates, async ({ masters }) =>
      judgeSockets(
        'Redis',
        masters.map(({ addr, redis }) => ({ addr, socket: redis.stream })),
      ),
    ),
    isCluster(url)
      ? judge(coverage, ({ masters }) => judgeCoverage(masters))
      : { name: coverage, run: async () => skipped('there is no Redis Cluster') },
  ];
}

/** False also for an invalid URL, which another check reports. */
function isCluster(url: string): boolean {
  return /^rediss?\+cluster:/.test(url);
}

async function judgeMasters(
  options: DoctorOptions & { redis: string },
  { connection, masters, away, latencyMs }: RedisNodes,
): Promise<Finding> {
  const { redis: url } = options;
  const named = masters.map(({ addr }) => addr).join(', ');
  const message = `${describeRedisUrl(url)} answers in ${latencyMs} ms${url.includes('+') ? `: ${named}` : ''}`;
  if (away.length === 0) return ok(message);
  const shards = await shardsAway(connection, options);
  const part = shards === '' ? '' : ` (${shards})`;
  return warning(`${message}, but ${away.join('; ')}: start it; calls on its users${part} fail until then`);
}
