// Measures Redis alone: the CPU time of single commands with redis-benchmark, and its memory.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { measureCpu } from './cpu.ts';
import type { MeasuredRedis } from './environment.ts';
import { EXPIRE_SECONDS, fieldsOf, keyOf } from './legacyLayout.ts';
import { userId } from './messages.ts';

/** The default of `imstate serve --shards`. */
export const SHARDS = 16;
const [CLIENTS, PIPELINED] = ['8', '16'];
/** Number of keys that redis-benchmark uses. */
const KEYS = 100_000;
/** redis-benchmark replaces __rand_int__ with 12 digits. */
const RANDOM_KEY = keyOf('__rand_int__', 'phone');

/** Commands for redis-benchmark. */
export const COMMANDS = {
  set: ['HSET', RANDOM_KEY, ...fieldsOf(1, '10.0.0.1:9000')],
  expire: ['EXPIRE', RANDOM_KEY, `${EXPIRE_SECONDS}`],
  exists: ['EXISTS', RANDOM_KEY],
  getAll: ['HGETALL', RANDOM_KEY],
  get: ['GET', 'im:state:none'],
} as const;

/** CPU seconds of Redis per command, sent `times` times by redis-benchmark with 16 commands per pipeline. */
export async function cpuOfCommand(
  { port, pid }: MeasuredRedis,
  command: readonly string[],
  times: number,
): Promise<number> {
  const flags = ['-p', `${port}`, '-c', CLIENTS, '-P', PIPELINED, '-r', `${KEYS}`, '-n', `${times}`, '-q'];
  const { cpu } = await measureCpu([[pid]], () =>
    promisify(execFile)('redis-benchmark', [...flags, ...command]),
  );
  return (cpu[0] as number) / times;
}

/** Stores users in the legacy layout. */
export async function fillLegacyLayout(redis: Redis, users: number): Promise<void> {
  for (let from = 0; from < users; from += 1_000) {
    const pipeline = redis.pipeline();
    for (let i = from; i < Math.min(users, from + 1_000); i++) {
      pipeline.hset(keyOf(userId(i), 'phone'), ...fieldsOf(1, '10.0.0.1:9000'));
    }
    await pipeline.exec();
  }
}

/** Memory used by a Redis, in bytes, including its overhead. */
export async function usedMemory(redis: Redis): Promise<number> {
  return infoNumber(redis, 'memory', 'used_memory');
}

/** Memory of the change logs of all shards, in bytes. */
export async function changeLogBytes(redis: Redis): Promise<number> {
  const keys = Array.from({ length: SHARDS }, (_, shard) => `im:{${shard}}:e`);
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Memory used by a Redis without the change logs, in bytes. */
export async function dataBytes(redis: Redis): Promise<number> {
  return (await usedMemory(redis)) - (await changeLogBytes(redis));
}

/** A number from INFO. */
export async function infoNumber(redis: Redis, section: string, field: string): Promise<number> {
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);
}
