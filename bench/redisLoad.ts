// Redis by itself: commands of redis-benchmark, pipelined, and what a Redis says of itself.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { EXPIRE_SECONDS, fieldsOf, keyOf } from './article.ts';
import { costOf } from './cpu.ts';
import { userId } from './messages.ts';
import type { MeasuredRedis } from './place.ts';

/** As many as `imstate serve` makes unless told. */
export const SHARDS = 16;
const [CLIENTS, PIPELINED] = ['8', '16'];
/** Keys among which redis-benchmark picks. */
const KEYS = 100_000;
/** redis-benchmark puts 12 digits for it. */
const RANDOM_KEY = keyOf('__rand_int__', 'phone');

/** Commands of redis-benchmark, one at a time. */
export const COMMANDS = {
  set: ['HSET', RANDOM_KEY, ...fieldsOf(1, '10.0.0.1:9000')],
  expire: ['EXPIRE', RANDOM_KEY, `${EXPIRE_SECONDS}`],
  exists: ['EXISTS', RANDOM_KEY],
  getAll: ['HGETALL', RANDOM_KEY],
  get: ['GET', 'im:state:none'],
} as const;

/** CPU seconds of Redis a command, each sent so many times by redis-benchmark with 16 in a pipeline. */
export async function cpuOfCommand(
  { port, pid }: MeasuredRedis,
  command: readonly string[],
  times: number,
): Promise<number> {
  const flags = ['-p', `${port}`, '-c', CLIENTS, '-P', PIPELINED, '-r', `${KEYS}`, '-n', `${times}`, '-q'];
  const { cpu } = await costOf([[pid]], () => promisify(execFile)('redis-benchmark', [...flags, ...command]));
  return (cpu[0] as number) / times;
}

/** Puts users into the article's layout. */
export async function fillArticle(redis: Redis, users: number): Promise<void> {
  for (let from = 0; from < users; from += 1_000) {
    const pipeline = redis.pipeline();
    for (let i = from; i < Math.min(users, from + 1_000); i++) {
      pipeline.hset(keyOf(userId(i), 'phone'), ...fieldsOf(1, '10.0.0.1:9000'));
    }
    await pipeline.exec();
  }
}

/** Bytes of all that a Redis holds, with its own upkeep. */
export async function usedMemory(redis: Redis): Promise<number> {
  return infoNumber(redis, 'memory', 'used_memory');
}

/** Bytes of the ledger of each shard. */
export async function ledgerBytes(redis: Redis): Promise<number> {
  const keys = Array.from({ length: SHARDS }, (_, shard) => `im:{${shard}}:e`);
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Bytes of all but the ledger. */
export async function heldBytes(redis: Redis): Promise<number> {
  return (await usedMemory(redis)) - (await ledgerBytes(redis));
}

/** A number of INFO. */
export async function infoNumber(redis: Redis, section: string, field: string): Promise<number> {
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);
}
