import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { Redis } from 'ioredis';
import { redisTls } from '../store/redis/tls.js';
import { parseRedisUrl, type RedisAddress } from '../store/redis/url.js';
import { type Finding, ok, warning } from './check.js';
import { type Info, type Master, parseInfo } from './redisNodes.js';

const NODE_TIMEOUT_MS = 1_000;
const SLOTS = '16384';

/** Checks that the node accepts writes. */
export function judgeMaster({ addr, info }: Master): Finding {
  if (info.redis_mode === 'cluster')
    throw unsuitable(`${addr} is a node of a Redis Cluster: write redis+cluster:// in --redis`);
  if (info.redis_mode === 'sentinel')
    throw unsuitable(`${addr} is a Sentinel: write redis+sentinel://…/master-name in --redis`);
  if (info.role === 'slave')
    throw unsuitable(
      `${addr} is a replica of ${info.master_host}:${info.master_port}, which accepts no writes: name its master, or its Sentinels, in --redis`,
    );
  return ok(`${addr} is a master`);
}

/** Queries the nodes of a cluster by themselves, because cluster clients cannot use an incomplete cluster. */
export async function judgeCluster(url: string, tls: TlsFiles | undefined): Promise<Finding> {
  const address = parseRedisUrl(url);
  const answers = await askEach(address, address.credentials, tls, async (node) => ({
    info: parseInfo(String(await node.cluster('INFO'))),
    nodes: String(await node.cluster('NODES')),
  }));
  const [answer] = answers.flatMap((each) => each.answer ?? []);
  if (answer === undefined) {
    const faults = answers.map(({ name, fault }) => `${name} does not answer (${fault})`);
    throw new ImstateError('STORE_UNAVAILABLE', `${faults.join('; ')}: start it, or correct --redis`);
  }
  const { info, nodes } = answer;
  if (info.cluster_state === 'ok' && info.cluster_slots_ok === SLOTS)
    return ok(`a cluster of ${info.cluster_size} masters, which is complete`);
  throw incomplete(info, nodes);
}

function incomplete({ cluster_state: state, cluster_slots_ok: slots }: Info, nodes: string): ImstateError {
  const failed = [...nodes.matchAll(/^\S+ (\S+?)@\S+ \S*\bfail\b/gm)].map(([, addr]) => `${addr} has failed`);
  const faults = [`its state is ${state}`, `${slots} of ${SLOTS} slots are served`, ...failed];
  const wayOut = 'start the missing nodes, redis-cli --cluster check shows more';
  return new ImstateError('STORE_UNAVAILABLE', `the cluster is incomplete (${faults.join(', ')}): ${wayOut}`);
}

/** Checks that all Sentinels name the same master. */
export async function judgeSentinels(
  master: Master,
  url: string,
  tls: TlsFiles | undefined,
): Promise<Finding> {
  judgeMaster(master);
  const address = parseRedisUrl(url);
  const ask = (sentinel: Redis) =>
    sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.master) as Promise<string[] | null>;
  const answers = await askEach(address, address.sentinelCredentials, tls, ask);
  const faults = answers.flatMap(({ name, answer, fault }) => {
    if (fault !== undefined) return [`the Sentinel ${name} does not answer (${fault})`];
    return answer ? [] : [`the Sentinel ${name} knows no ${address.master}`];
  });
  const named = [...new Set(answers.flatMap(({ answer }) => answer?.join(':') ?? []))];
  if (named.length > 1) faults.push(`they do not agree: ${named.join(' and ')}`);
  const message = `${named[0] ?? master.addr} is the master ${address.master}`;
  const count = answers.length === 1 ? '1 Sentinel says' : `${answers.length} Sentinels say`;
  if (faults.length === 0) return ok(`${message}, as ${count}`);
  return warning(`${message}, but ${faults.join('; ')}: check the Sentinels, or correct --redis`);
}

interface NodeAnswer<Answer> {
  /** host:port. */
  name: string;
  answer?: Answer;
  /** Why there is no answer. */
  fault?: string;
}

/** Queries each node in the URL by itself. */
function askEach<Answer>(
  { nodes, tls: secure }: RedisAddress,
  credentials: RedisAddress['credentials'],
  files: TlsFiles | undefined,
  ask: (node: Redis) => Promise<Answer>,
): Promise<NodeAnswer<Answer>[]> {
  const common = {
    ...credentials,
    ...(secure && { tls: redisTls(files) }),
    // A Sentinel does not support RESP3, and is ready when it is connected.
    protocol: 2 as const,
    enableReadyCheck: false,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: NODE_TIMEOUT_MS,
    commandTimeout: NODE_TIMEOUT_MS,
  };
  return Promise.all(
    nodes.map(async ({ host, port }) => {
      const name = `${host}:${port}`;
      const node = new Redis({ ...common, host, port }).on('error', () => {});
      try {
        await node.connect();
        return { name, answer: await ask(node) };
      } catch (error) {
        return { name, fault: messageOf(error) };
      } finally {
        node.disconnect();
      }
    }),
  );
}

function unsuitable(message: string): ImstateError {
  return new ImstateError('UNSUITABLE', message);
}
