// BatchGetUsers of 500 users: how long one takes alone, what a look-up costs, and how often it asks Redis.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { shardOf } from '../../src/store/redis/shards.ts';
import { keyOf } from '../article.ts';
import { costOf } from '../cpu.ts';
import { median } from '../figures.ts';
import { logInAll } from '../fill.ts';
import { PATH, populationOf, read, userId, write } from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition } from '../place.ts';
import { RawClient } from '../rawClient.ts';
import { COMMANDS, cpuOfCommand, fillArticle, SHARDS } from '../redisLoad.ts';
import { sendUnary } from '../unaryLoad.ts';

const USERS_A_BATCH = 500;
const SENDERS = 4;
const CALLS_ALONE = 100;

/** What a look-up took. Seconds. */
interface LookUp {
  wall: number;
  daemon: number;
  redis: number;
}

interface Round {
  batch: LookUp;
  unary: LookUp;
  /** Median of a BatchGetUsers by itself, and of the article's commands for as many users. Milliseconds. */
  alone: number;
  article: number;
  /** CPU of Redis for commands of redis-benchmark. Seconds. */
  get: number;
  exists: number;
  getAll: number;
}

/** See the part's `about`. */
export const batch = definePart({
  name: 'batch',
  about: `BatchGetUsers of ${USERS_A_BATCH} users: time, look-ups a CPU second, and cost in Redis`,
  options: {
    rounds: { short: 3, full: 9, about: 'how often each is measured, in alternation' },
    users: { short: 20_000, full: 100_000, about: 'users that are online' },
    requests: { short: 8_000, full: 16_000, about: 'unary GetUser a round' },
    batches: { short: 400, full: 800, about: 'BatchGetUsers a round, several at a time' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const [rounds, users, calls] = [
        Number(settings.rounds),
        Number(settings.users),
        Number(settings.requests),
      ];
      const redis = await place.redis();
      const daemon = await place.daemon({ redis: redis.url });
      const client = new RawClient(daemon.addr);
      place.atEnd(async () => client.close());
      await logInAll(daemon.addr, populationOf(users));
      await fillArticle(redis.admin, users);
      const pick = () =>
        Array.from({ length: USERS_A_BATCH }, () => userId(Math.floor(Math.random() * users)));

      const cost = async (
        path: string,
        requests: Buffer[],
        count: number,
        lookUps: number,
      ): Promise<LookUp> => {
        const { seconds, cpu } = await costOf([[daemon.pid], [redis.pid]], () =>
          sendUnary({
            addr: daemon.addr,
            path,
            requests,
            calls: count,
            folder: place.folder,
            atOnce: lookUps > 1 ? 2 : 32,
          }),
        );
        const all = count * lookUps;
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
          USERS_A_BATCH,
        ),
        alone: await medianOf(async () => {
          const userIds = pick();
          const request = write.batchGetUsers({ userIds });
          const startedAt = performance.now();
          const answer = await client.call(PATH.batchGetUsers, request);
          const took = performance.now() - startedAt;
          verify(answer, userIds);
          return took;
        }),
        article: await medianOf(() => askArticle(redis.admin, pick())),
        get: await cpuOfCommand(redis, COMMANDS.get, users),
        exists: await cpuOfCommand(redis, COMMANDS.exists, users),
        getAll: await cpuOfCommand(redis, COMMANDS.getAll, users),
      });
      // For redis-benchmark, which has keys of its own.
      await cpuOfCommand(redis, COMMANDS.set, users * 3);
      say('batch: warming up');
      for (let i = 0; i < 2; i++) await round();
      const measured: Round[] = [];
      for (let i = 1; i <= rounds; i++) {
        say(`batch: round ${i} of ${rounds}`);
        measured.push(await round());
      }
      const scriptCalls = await countScriptCalls(redis.admin, client, pick);
      return [...rowsOf(measured), ...scriptCalls];
    }),
});

function rowsOf(rounds: Round[]): Row[] {
  const rate = (of: (round: Round) => number) => rounds.map((round) => 1 / of(round));
  const micros = (of: (round: Round) => number) => rounds.map((round) => of(round) * 1e6);
  const [cpu, ofRedis] = ['look-ups/CPU s of the daemon', 'µs CPU of Redis/look-up'];
  const inRedis = { row: 'several at a time', unit: ofRedis, values: micros((round) => round.batch.redis) };
  return [
    makeRow({
      row: 'alone',
      unit: 'ms',
      values: rounds.map(({ alone }) => alone),
      reference: {
        name: "the article's EXISTS and HGETALL, pipelined by ioredis",
        values: rounds.map(({ article }) => article),
      },
      goal: { figure: 'value', atMost: 5 },
    }),
    makeRow({
      row: 'several at a time',
      unit: cpu,
      values: rate((round) => round.batch.daemon),
      reference: { name: 'unary GetUser', values: rate((round) => round.unary.daemon) },
      goal: { figure: 'value', atLeast: 150_000 },
    }),
    makeRow({
      row: 'several at a time',
      unit: 'look-ups/s',
      values: rate((round) => round.batch.wall),
      reference: { name: 'unary GetUser', values: rate((round) => round.unary.wall) },
    }),
    makeRow({
      ...inRedis,
      reference: { name: 'redis-benchmark -P 16 GET', values: micros(({ get }) => get) },
    }),
    makeRow({
      ...inRedis,
      reference: {
        name: "redis-benchmark -P 16, the article's EXISTS and HGETALL",
        values: micros(({ exists, getAll }) => exists + getAll),
      },
    }),
  ];
}

/** Median of what one call at a time returns. */
async function medianOf(measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < CALLS_ALONE; i++) values.push(await measure());
  return median(values);
}

async function askArticle(redis: Redis, userIds: string[]): Promise<number> {
  const keys = userIds.map((id) => keyOf(id, 'phone'));
  const startedAt = performance.now();
  const asked = redis.pipeline();
  for (const key of keys) asked.exists(key);
  const exist = await asked.exec();
  const found = redis.pipeline();
  for (const [i, key] of keys.entries()) if (exist?.[i]?.[1] === 1) found.hgetall(key);
  const records = await found.exec();
  const took = performance.now() - startedAt;
  if (records?.length !== keys.length) throw new Error("the article's layout lacks users");
  return took;
}

function verify(answer: Buffer, userIds: string[]): void {
  const { users } = read.batchGetUsers(answer);
  const isRight =
    users.length === userIds.length && users.every((user, i) => user.online && user.userId === userIds[i]);
  if (!isRight) throw new Error('BatchGetUsers answers wrongly');
}

/** Looks on from within Redis how many scripts one BatchGetUsers calls. */
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
      row: 'alone',
      unit: 'script calls',
      values: counts,
      reference: { name: 'shards', values: shards },
      goal: { figure: 'ratio', atMost: 1 },
    }),
  ];
}
