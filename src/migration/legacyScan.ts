import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { Cluster, type Redis } from 'ioredis';
import { type Master, openRedis, type RedisNodes } from '../doctor/redisNodes.js';
import type { Connection } from '../store/redis/connection.js';
import { LEGACY_FIELDS, type LegacyHash } from './legacyRecord.js';

/** Keys per SCAN: a call takes Redis about a millisecond. */
const SCAN_COUNT = 1_000;

/**
 * Reads every hash of a Redis, some at a time. As with SCAN, a hash may be returned twice, and each hash that
 * exists all the time is returned. Rejects if it cannot guarantee that: a master does not respond, or slots
 * of a cluster move. Ends early when `stop` aborts.
 */
export async function* scanHashes(
  url: string,
  tls: TlsFiles | undefined,
  stop: AbortSignal,
): AsyncGenerator<LegacyHash[]> {
  let connection: Connection | undefined;
  try {
    const nodes = await openRedis(url, tls, (opened) => {
      connection = opened;
    });
    yield* scanNodes(nodes, stop);
  } finally {
    connection?.disconnect();
  }
}

async function* scanNodes(
  { connection, masters, away }: RedisNodes,
  stop: AbortSignal,
): AsyncGenerator<LegacyHash[]> {
  if (away.length > 0) throw unavailable(away.join('; '));
  const isCluster = connection instanceof Cluster;
  const slots = isCluster ? await slotsOf(masters) : '';
  for (const master of masters) yield* scanMaster(master, stop);
  if (stop.aborted || !isCluster || (await slotsOf(masters)) === slots) return;
  throw unavailable('slots of the cluster moved to other masters meanwhile');
}

async function* scanMaster({ addr, redis }: Master, stop: AbortSignal): AsyncGenerator<LegacyHash[]> {
  let isLost = false;
  // A cursor is not valid after a restart of Redis, or on another master.
  redis.once('close', () => {
    isLost = true;
  });
  for (let cursor = '0'; !stop.aborted; ) {
    let hashes: LegacyHash[];
    try {
      const [next, keys] = await scan(redis, cursor);
      cursor = next;
      hashes = await readHashes(redis, keys);
    } catch (error) {
      throw unavailable(`${addr}: ${messageOf(error)}`, error);
    }
    if (isLost) throw unavailable(`the connection to ${addr} was lost during the scan`);
    yield hashes;
    if (cursor === '0') return;
  }
}

async function scan(redis: Redis, cursor: string): Promise<[cursor: string, keys: Buffer[]]> {
  const options = ['COUNT', `${SCAN_COUNT}`, 'TYPE', 'hash'];
  const [next, keys] = (await redis.callBuffer('SCAN', cursor, ...options)) as [Buffer, Buffer[]];
  return [next.toString(), keys];
}

async function readHashes(redis: Redis, keys: Buffer[]): Promise<LegacyHash[]> {
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.hmgetBuffer(key, ...LEGACY_FIELDS);
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, fields], i) => {
    if (error) throw error;
    return { key: keys[i] as Buffer, fields: fields as (Buffer | null)[] };
  });
}

/** The slots of each master, as text. */
async function slotsOf(masters: Master[]): Promise<string> {
  return JSON.stringify(await masters[0]?.redis.cluster('SLOTS'));
}

function unavailable(reason: string, cause?: unknown): ImstateError {
  const message = `Redis cannot be read completely (${reason}): run the import again, which repeats nothing`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause });
}
