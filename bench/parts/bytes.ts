// Memory of Redis: an online device with all that is kept of it, beside the article's bare hash; a change in the ledger, which
// is capped, and a session in the history, each by itself.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { logInAll } from '../fill.ts';
import { batchesOf, checkAnswers, logoutOf, PATH, type Population, populationOf } from '../messages.ts';
import { definePart, makeRow, say } from '../part.ts';
import { Place } from '../place.ts';
import { RawClient } from '../rawClient.ts';
import { fillArticle, heldBytes, ledgerBytes, usedMemory } from '../redisLoad.ts';

/** Bytes, a device or whatever it is. */
interface Measure {
  /** An online device: with a session id of the daemon's, and with a UUID and the lease of its chat server. */
  device: number;
  deviceOfLease: number;
  article: number;
  ledgerEntry: number;
  pastSession: number;
}

const SHARDS = 16;
/** Fixed for the lease of the chat servers. */
const INCARNATION = 1_795_446_473_866;

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
      measures.push(await Place.with((place) => measure(place, population)));
    }
    const of = (figure: keyof Measure) => measures.map((each) => each[figure]);
    const reference = { name: "the article's hash", values: of('article') };
    const unit = 'bytes';
    return [
      makeRow({
        ...{ row: 'online device', unit, values: of('device'), reference },
        goal: { figure: 'value', atMost: 240 },
      }),
      makeRow({
        ...{
          row: 'online device, session id a UUID, of a lease',
          unit,
          values: of('deviceOfLease'),
          reference,
        },
      }),
      makeRow({ row: 'change in the ledger', unit, values: of('ledgerEntry') }),
      makeRow({ row: 'session in the history, the first of its user', unit, values: of('pastSession') }),
    ];
  },
});

async function measure(place: Place, population: Population): Promise<Measure> {
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

  const leased = await place.redis();
  const second = await place.daemon({ redis: leased.url });
  const none = await heldBytes(leased.admin);
  await logInAll(second.addr, population, () => ({
    sessionId: randomUUID(),
    serverIncarnation: INCARNATION,
  }));
  const deviceOfLease = ((await heldBytes(leased.admin)) - none) / users;
  return { device, deviceOfLease, article, ledgerEntry, pastSession };
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
