// Memory of Redis: an online device with all that is kept of it, beside the article's bare hash; a change in the ledger, which
// is capped, and a session in the history, each by itself.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { logInAll } from '../fill.ts';
import {
  batchesOf,
  checkAnswers,
  logoutOf,
  PATH,
  type Population,
  populationOf,
  serverAddrOf,
  write,
} from '../messages.ts';
import { definePart, makeRow, say } from '../part.ts';
import { LogPosition } from '../place.ts';
import { RawClient } from '../rawClient.ts';
import { fillArticle, heldBytes, ledgerBytes, SHARDS, usedMemory } from '../redisLoad.ts';

/** Of the lease of a chat server. */
const INCARNATION = 1_795_446_473_866;

/** A kind of login. */
interface Case {
  name: string;
  hasLease: boolean;
  hasUuid: boolean;
  /** Flags of Redis. */
  redis: string[];
}

/** Logins that take more than the simplest one, with a session id of 16 characters and no lease. */
const CASES: Case[] = [
  { name: 'of a lease', hasLease: true, hasUuid: false, redis: [] },
  { name: 'session id a UUID', hasLease: false, hasUuid: true, redis: [] },
  { name: 'session id a UUID, of a lease', hasLease: true, hasUuid: true, redis: [] },
  {
    name: 'session id a UUID, of a lease, Redis with hash-max-listpack-value 128',
    hasLease: true,
    hasUuid: true,
    redis: ['--hash-max-listpack-value', '128'],
  },
];

/** Bytes, a device or whatever it is. */
interface Measure {
  device: number;
  /** As {@link CASES}. */
  cases: number[];
  article: number;
  ledgerEntry: number;
  pastSession: number;
  /** A session of the history of a user with as many as are kept. */
  oneOfMany: number;
}

/** As many sessions of a user are kept unless --history-limit says otherwise. */
const HISTORY = 100;
const USERS_WITH_HISTORY = 2_000;

/** See the part's `about`. */
export const bytes = definePart({
  name: 'bytes',
  about: 'memory of Redis, a device, a change in the ledger and a session in the history',
  options: {
    rounds: { short: 1, full: 3, about: 'how often it is measured' },
    users: { short: 100_000, full: 1_000_000, about: 'devices, one a user' },
  },
  run: async (settings) => {
    const population = populationOf(Number(settings.users));
    const measures: Measure[] = [];
    for (let i = 1; i <= Number(settings.rounds); i++) {
      say(`bytes: round ${i} of ${settings.rounds}`);
      measures.push(await LogPosition.with((place) => measure(place, population)));
    }
    const values = (of: (measure: Measure) => number) => measures.map(of);
    const reference = { name: "the article's hash", values: values(({ article }) => article) };
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
          row: `online device, ${name}`,
          unit,
          reference,
          values: values(({ cases }) => cases[i] as number),
        }),
      ),
      makeRow({ row: 'change in the ledger', unit, values: values(({ ledgerEntry }) => ledgerEntry) }),
      makeRow({
        row: 'session in the history, the first of its user',
        unit,
        values: values(({ pastSession }) => pastSession),
      }),
      makeRow({
        row: `session in the history, one of ${HISTORY}`,
        unit,
        values: values(({ oneOfMany }) => oneOfMany),
      }),
    ];
  },
});

async function measure(place: LogPosition, population: Population): Promise<Measure> {
  const { users } = population;
  const ofArticle = await place.redis();
  const before = await usedMemory(ofArticle.admin);
  await fillArticle(ofArticle.admin, users);
  const article = ((await usedMemory(ofArticle.admin)) - before) / users;

  const plain = await place.redis();
  const daemon = await place.daemon({ redis: plain.url, flags: ['--retention', '1s'] });
  const empty = await heldBytes(plain.admin);
  await logInAll(daemon.addr, population);
  const device = ((await heldBytes(plain.admin)) - empty) / users;
  const ledgerEntry = (await ledgerBytes(plain.admin)) / (await countIn(plain.admin, 'xlen', 'e'));
  await logOutAll(daemon.addr, users);
  await until(async () => (await countIn(plain.admin, 'zcard', 'x')) === 0);
  const pastSession = ((await heldBytes(plain.admin)) - empty) / users;

  const cases: number[] = [];
  for (const each of CASES) cases.push(await LogPosition.with((own) => deviceBytes(own, population, each)));
  const oneOfMany = await LogPosition.with(historyBytes);
  return { device, cases, article, ledgerEntry, pastSession, oneOfMany };
}

/** Some users log in and out as often as the history keeps. */
async function historyBytes(place: LogPosition): Promise<number> {
  const redis = await place.redis();
  const daemon = await place.daemon({ redis: redis.url });
  const population = populationOf(USERS_WITH_HISTORY);
  await logInAll(daemon.addr, population);
  await logOutAll(daemon.addr, population.users);
  const first = await heldBytes(redis.admin);
  for (let i = 1; i < HISTORY; i++) {
    await logInAll(daemon.addr, population);
    await logOutAll(daemon.addr, population.users);
  }
  return ((await heldBytes(redis.admin)) - first) / population.users / (HISTORY - 1);
}

async function deviceBytes(place: LogPosition, population: Population, kind: Case): Promise<number> {
  const redis = await place.redis(...kind.redis);
  const daemon = await place.daemon({ redis: redis.url });
  if (kind.hasLease) await keepAlive(daemon.addr, population);
  const empty = await heldBytes(redis.admin);
  await logInAll(daemon.addr, population, () => ({
    ...(kind.hasLease && { serverIncarnation: INCARNATION }),
    ...(kind.hasUuid && { sessionId: randomUUID() }),
  }));
  return ((await heldBytes(redis.admin)) - empty) / population.users;
}

/** Gives each chat server a lease that lasts for as long as anything here takes. */
async function keepAlive(addr: string, { servers }: Population): Promise<void> {
  const client = new RawClient(addr);
  for (let i = 0; i < servers; i++) {
    const lease = { serverAddr: serverAddrOf(i), incarnation: INCARNATION, timeToLive: { seconds: 3_600 } };
    await client.send(PATH.keepServerAlive, { messages: [write.keepServerAlive(lease)], streams: 1 });
  }
  client.close();
}

/** Members of a key of each shard, together. */
async function countIn(redis: Redis, command: 'xlen' | 'zcard', key: string): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: SHARDS }, (_, i) => redis[command](`im:{${i}}:${key}`)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function logOutAll(addr: string, users: number): Promise<void> {
  const client = new RawClient(addr);
  const messages = batchesOf(users, (i) => ({ offline: logoutOf(i) }));
  await client.send(PATH.apply, { messages, onAnswer: checkAnswers() });
  client.close();
}

/** However long that takes: as many records are forgotten as were made. */
async function until(probe: () => Promise<boolean>): Promise<void> {
  while (!(await probe())) await delay(200);
}
