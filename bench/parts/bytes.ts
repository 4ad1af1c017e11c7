// Memory in Redis per online device, compared with the hash of the legacy layout, and per entry of the change
// log and of the history.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Environment } from '../environment.ts';
import { logInAll } from '../fill.ts';
import {
  batchesOf,
  checkResponses,
  logoutOf,
  PATH,
  type Population,
  populationOf,
  serverAddrOf,
  write,
} from '../messages.ts';
import { definePart, logProgress, makeRow } from '../part.ts';
import { RawClient } from '../rawClient.ts';
import { changeLogBytes, dataBytes, fillLegacyLayout, SHARDS, usedMemory } from '../redisLoad.ts';

/** Incarnation of the chat servers. */
const INCARNATION = 1_795_446_473_866;

/** A variant of a login. */
interface Case {
  name: string;
  hasLease?: boolean;
  hasUuid?: boolean;
  hasDetails?: boolean;
  /** Additional arguments for Redis. */
  redis: string[];
}

/** Variants of a login without a lease and details, and with a session ID of 16 characters. */
const CASES: Case[] = [
  { name: 'with a lease', hasLease: true, redis: [] },
  { name: 'with a UUID session ID', hasUuid: true, redis: [] },
  { name: 'with a lease and a UUID session ID', hasLease: true, hasUuid: true, redis: [] },
  {
    name: 'with a lease and a UUID session ID, Redis with hash-max-listpack-value 128',
    hasLease: true,
    hasUuid: true,
    redis: ['--hash-max-listpack-value', '128'],
  },
  { name: 'with details', hasDetails: true, redis: [] },
  {
    name: 'without details, Redis with hash-max-listpack-value 128',
    redis: ['--hash-max-listpack-value', '128'],
  },
  {
    name: 'with details, Redis with hash-max-listpack-value 128',
    hasDetails: true,
    redis: ['--hash-max-listpack-value', '128'],
  },
];

/** An IPv4 address, a label of 12 bytes and a version of 6. */
const DETAILS = { clientIp: '203.0.113.7', label: "Anna's phone", appVersion: '4.12.0' };

/** Bytes per device or entry. */
interface Measure {
  device: number;
  /** In the order of {@link CASES}. */
  cases: number[];
  legacy: number;
  changeLogEntry: number;
  pastSession: number;
  /** An entry in the history of a user with the maximum number of entries. */
  oneOfMany: number;
}

/** The default of --history-limit. */
const HISTORY = 100;
const USERS_WITH_HISTORY = 2_000;

/** See the part's `about`. */
export const bytes = definePart({
  name: 'bytes',
  about: 'memory in Redis for a device, a change log entry and a history entry',
  options: {
    rounds: { short: 1, full: 3, about: 'rounds' },
    users: { short: 100_000, full: 1_000_000, about: 'devices, one per user' },
  },
  run: async (settings) => {
    const population = populationOf(Number(settings.users));
    const measures: Measure[] = [];
    for (let i = 1; i <= Number(settings.rounds); i++) {
      logProgress(`bytes: round ${i} of ${settings.rounds}`);
      measures.push(await Environment.with((environment) => measure(environment, population)));
    }
    const values = (of: (measure: Measure) => number) => measures.map(of);
    const reference = { name: 'legacy hash', values: values(({ legacy }) => legacy) };
    const unit = 'bytes';
    return [
      makeRow({
        row: 'online device',
        unit,
        values: values(({ device }) => device),
        reference,
        goal: { figure: 'value', atMost: 240 },
      }),
      ...CASES.map(({ name }, i) =>
        makeRow({
          row: `online device ${name}`,
          unit,
          reference,
          values: values(({ cases }) => cases[i] as number),
        }),
      ),
      makeRow({ row: 'change log entry', unit, values: values(({ changeLogEntry }) => changeLogEntry) }),
      makeRow({
        row: 'history entry, first of its user',
        unit,
        values: values(({ pastSession }) => pastSession),
      }),
      makeRow({
        row: `history entry, one of ${HISTORY}`,
        unit,
        values: values(({ oneOfMany }) => oneOfMany),
      }),
    ];
  },
});

async function measure(environment: Environment, population: Population): Promise<Measure> {
  const { users } = population;
  const legacyRedis = await environment.redis();
  const before = await usedMemory(legacyRedis.admin);
  await fillLegacyLayout(legacyRedis.admin, users);
  const legacy = ((await usedMemory(legacyRedis.admin)) - before) / users;

  const plain = await environment.redis();
  const daemon = await environment.daemon({ redis: plain.url, flags: ['--retention', '1s'] });
  const empty = await dataBytes(plain.admin);
  await logInAll(daemon.addr, population);
  const device = ((await dataBytes(plain.admin)) - empty) / users;
  const changeLogEntry = (await changeLogBytes(plain.admin)) / (await countIn(plain.admin, 'xlen', 'e'));
  await logOutAll(daemon.addr, users);
  await until(async () => (await countIn(plain.admin, 'zcard', 'x')) === 0);
  const pastSession = ((await dataBytes(plain.admin)) - empty) / users;

  const cases: number[] = [];
  for (const each of CASES) cases.push(await Environment.with((own) => deviceBytes(own, population, each)));
  const oneOfMany = await Environment.with(historyBytes);
  return { device, cases, legacy, changeLogEntry, pastSession, oneOfMany };
}

/** Fills the histories of some users. */
async function historyBytes(environment: Environment): Promise<number> {
  const redis = await environment.redis();
  const daemon = await environment.daemon({ redis: redis.url });
  const population = populationOf(USERS_WITH_HISTORY);
  await logInAll(daemon.addr, population);
  await logOutAll(daemon.addr, population.users);
  const first = await dataBytes(redis.admin);
  for (let i = 1; i < HISTORY; i++) {
    await logInAll(daemon.addr, population);
    await logOutAll(daemon.addr, population.users);
  }
  return ((await dataBytes(redis.admin)) - first) / population.users / (HISTORY - 1);
}

async function deviceBytes(environment: Environment, population: Population, kind: Case): Promise<number> {
  const redis = await environment.redis(...kind.redis);
  const daemon = await environment.daemon({ redis: redis.url });
  if (kind.hasLease) await keepAlive(daemon.addr, population);
  const empty = await dataBytes(redis.admin);
  await logInAll(daemon.addr, population, () => ({
    ...(kind.hasLease && { serverIncarnation: INCARNATION }),
    ...(kind.hasUuid && { sessionId: randomUUID() }),
    ...(kind.hasDetails && DETAILS),
  }));
  return ((await dataBytes(redis.admin)) - empty) / population.users;
}

/** Creates a lease for each chat server that outlasts the measurement. */
async function keepAlive(addr: string, { servers }: Population): Promise<void> {
  const client = new RawClient(addr);
  for (let i = 0; i < servers; i++) {
    const lease = { serverAddr: serverAddrOf(i), incarnation: INCARNATION, timeToLive: { seconds: 3_600 } };
    await client.send(PATH.keepServerAlive, { messages: [write.keepServerAlive(lease)], streams: 1 });
  }
  client.close();
}

/** Total number of members of a key over all shards. */
async function countIn(redis: Redis, command: 'xlen' | 'zcard', key: string): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: SHARDS }, (_, i) => redis[command](`im:{${i}}:${key}`)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function logOutAll(addr: string, users: number): Promise<void> {
  const client = new RawClient(addr);
  const messages = batchesOf(users, (i) => ({ offline: logoutOf(i) }));
  await client.send(PATH.apply, { messages, onResponse: checkResponses() });
  client.close();
}

/** Waits without a limit, because the sweep removes very many records. */
async function until(probe: () => Promise<boolean>): Promise<void> {
  while (!(await probe())) await delay(200);
}
