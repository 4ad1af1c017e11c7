// BatchGetUsers and Route of 500 users: latency of a single call, cost per lookup, and script calls per batch.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { shardOf } from '../../src/store/redis/shards.ts';
import { measureCpu } from '../cpu.ts';
import { Environment } from '../environment.ts';
import { median } from '../figures.ts';
import { logInAll } from '../fill.ts';
import { keyOf } from '../legacyLayout.ts';
import { PATH, populationOf, read, userId, write } from '../messages.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { RawClient } from '../rawClient.ts';
import { COMMANDS, cpuOfCommand, fillLegacyLayout, SHARDS } from '../redisLoad.ts';
import { sendUnary } from '../unaryLoad.ts';

const BATCH_USERS = 500;
const SENDERS = 4;
const CALLS_ALONE = 100;

/** The cost per lookup. CPU times in seconds. */
interface Lookup {
  wall: number;
  daemon: number;
  redis: number;
}

interface Round {
  batch: Lookup;
  route: Lookup;
  unary: Lookup;
  /** Median latency of a single BatchGetUsers, and of the legacy commands for as many users. Milliseconds. */
  alone: number;
  legacy: number;
  /** CPU time of Redis per command of redis-benchmark. Seconds. */
  get: number;
  exists: number;
  getAll: number;
}

/** See the part's `about`. */
export const batch = definePart({
  name: 'batch',
  about: `BatchGetUsers and Route of ${BATCH_USERS} users: latency, lookups per CPU second, and cost in Redis`,
  options: {
    rounds: { short: 3, full: 9, about: 'rounds, alternating' },
    users: { short: 20_000, full: 100_000, about: 'online users' },
    requests: { short: 8_000, full: 16_000, about: 'unary GetUser calls per round' },
    batches: { short: 400, full: 800, about: 'concurrent BatchGetUsers and Route calls per round' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const [rounds, users, calls] = [
        Number(settings.rounds),
        Number(settings.users),
        Number(settings.requests),
      ];
      const redis = await environment.redis();
      const daemon = await environment.daemon({ redis: redis.url });
      const client = new RawClient(daemon.addr);
      environment.defer(async () => client.close());
      await logInAll(daemon.addr, populationOf(users));
      await fillLegacyLayout(redis.admin, users);
      const pick = () => Array.from({ length: BATCH_USERS }, () => userId(Math.floor(Math.random() * users)));

      const cost = async (
        path: string,
        requests: Buffer[],
        count: number,
        lookups: number,
      ): Promise<Lookup> => {
        const { seconds, cpu } = await measureCpu([[daemon.pid], [redis.pid]], () =>
          sendUnary({
            addr: daemon.addr,
            path,
            requests,
            calls: count,
            directory: environment.directory,
            concurrency: lookups > 1 ? 2 : 32,
          }),
        );
        const all = count * lookups;
        return { wall: seconds / all, daemon: (cpu[0] as number) / all, redis: (cpu[1] as number) / all };
      };
      const senders = <T>(make: (i: number) => T) => Array.from({ length: SENDERS }, (_, i) => make(i));
      const round = async (): Promise<Round> => ({
        unary: await cost(
          PATH.getUser,
          senders((i) => write.getUser({ userId: userId(i) })),
          calls,
          1,
        ),
        batch: await cost(
          PATH.batchGetUsers,
          senders(() => write.batchGetUsers({ userIds: pick() })),
          Number(settings.batches),
          BATCH_USERS,
        ),
        route: await cost(
          PATH.route,
          senders(() => write.route({ userIds: pick() })),
          Number(settings.batches),
          BATCH_USERS,
        ),
        alone: await medianOf(async () => {
          const userIds = pick();
          const request = write.batchGetUsers({ userIds });
          const startedAt = performance.now();
          const response = await client.call(PATH.batchGetUsers, request);
          const took = performance.now() - startedAt;
          verify(response, userIds);
          return took;
        }),
        legacy: await medianOf(() => queryLegacyLayout(redis.admin, pick())),
        get: await cpuOfCommand(redis, COMMANDS.get, users),
        exists: await cpuOfCommand(redis, COMMANDS.exists, users),
        getAll: await cpuOfCommand(redis, COMMANDS.getAll, users),
      });
      // redis-benchmark reads keys of its own, which have to exist.
      await cpuOfCommand(redis, COMMANDS.set, users * 3);
      logProgress('batch: warming up');
      for (let i = 0; i < 2; i++) await round();
      const measured: Round[] = [];
      for (let i = 1; i <= rounds; i++) {
        logProgress(`batch: round ${i} of ${rounds}`);
        measured.push(await round());
      }
      const scriptCalls = await countScriptCalls(redis.admin, client, pick);
      return [...rowsOf(measured), ...scriptCalls];
    }),
});

function rowsOf(rounds: Round[]): Row[] {
  const rate = (of: (round: Round) => number) => rounds.map((round) => 1 / of(round));
  const micros = (of: (round: Round) => number) => rounds.map((round) => of(round) * 1e6);
  const [cpu, ofRedis] = ['lookups/CPU s of the daemon', 'µs CPU of Redis/lookup'];
  const inRedis = { row: 'concurrent calls', unit: ofRedis, values: micros((round) => round.batch.redis) };
  return [
    makeRow({
      row: 'one call at a time',
      unit: 'ms',
      values: rounds.map(({ alone }) => alone),
      reference: {
        name: 'legacy EXISTS and HGETALL, pipelined by ioredis',
        values: rounds.map(({ legacy }) => legacy),
      },
      goal: { figure: 'value', atMost: 5 },
    }),
    makeRow({
      row: 'concurrent calls',
      unit: cpu,
      values: rate((round) => round.batch.daemon),
      reference: { name: 'unary GetUser', values: rate((round) => round.unary.daemon) },
      goal: { figure: 'value', atLeast: 150_000 },
    }),
    makeRow({
      row: 'concurrent calls',
      unit: 'lookups/s',
      values: rate((round) => round.batch.wall),
      reference: { name: 'unary GetUser', values: rate((round) => round.unary.wall) },
    }),
    makeRow({
      row: 'Route, concurrent calls',
      unit: cpu,
      values: rate((round) => round.route.daemon),
      reference: { name: 'BatchGetUsers', values: rate((round) => round.batch.daemon) },
      goal: { figure: 'value', atLeast: 200_000 },
    }),
    makeRow({
      row: 'Route, concurrent calls',
      unit: ofRedis,
      values: micros((round) => round.route.redis),
      reference: { name: 'BatchGetUsers', values: micros((round) => round.batch.redis) },
    }),
    makeRow({
      ...inRedis,
      reference: { name: 'redis-benchmark -P 16 GET', values: micros(({ get }) => get) },
    }),
    makeRow({
      ...inRedis,
      reference: {
        name: 'redis-benchmark -P 16, legacy EXISTS and HGETALL',
        values: micros(({ exists, getAll }) => exists + getAll),
      },
    }),
  ];
}

/** Median over sequential calls of `measure`. */
async function medianOf(measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < CALLS_ALONE; i++) values.push(await measure());
  return median(values);
}

async function queryLegacyLayout(redis: Redis, userIds: string[]): Promise<number> {
  const keys = userIds.map((id) => keyOf(id, 'phone'));
  const startedAt = performance.now();
  const asked = redis.pipeline();
  for (const key of keys) asked.exists(key);
  const exist = await asked.exec();
  const found = redis.pipeline();
  for (const [i, key] of keys.entries()) if (exist?.[i]?.[1] === 1) found.hgetall(key);
  const records = await found.exec();
  const took = performance.now() - startedAt;
  if (records?.length !== keys.length) throw new Error('users are missing in the legacy layout');
  return took;
}

function verify(response: Buffer, userIds: string[]): void {
  const { users } = read.batchGetUsers(response);
  const isRight =
    users.length === userIds.length && users.every((user, i) => user.online && user.userId === userIds[i]);
  if (!isRight) throw new Error('BatchGetUsers returned a wrong response');
}

/** Counts the script calls of one BatchGetUsers with MONITOR. */
async function countScriptCalls(redis: Redis, client: RawClient, pick: () => string[]): Promise<Row[]> {
  const monitor = await redis.monitor();
  const [counts, shards]: [number[], number[]] = [[], []];
  let count = 0;
  monitor.on('monitor', (_: string, [command, ...args]: string[]) => {
    if (command?.toLowerCase() === 'evalsha' && args.some((arg) => arg.startsWith('uuser-'))) count += 1;
  });
  for (let i = 0; i < 10; i++) {
    count = 0;
    const userIds = pick();
    await client.call(PATH.batchGetUsers, write.batchGetUsers({ userIds }));
    await delay(100);
    counts.push(count);
    shards.push(new Set(userIds.map((id) => shardOf(id, SHARDS))).size);
  }
  monitor.disconnect();
  return [
    makeRow({
      row: 'one call at a time',
      unit: 'script calls',
      values: counts,
      reference: { name: 'shards', values: shards },
      goal: { figure: 'ratio', atMost: 1 },
    }),
  ];
}
