// Logins beside many watches of everything: each login is one more change for all of them. Redis store, one daemon on one core; the watches
// take bytes, so that what is measured is the daemon.
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { costOf } from '../cpu.ts';
import { quantile } from '../figures.ts';
import { loginOf, PATH, populationOf, write } from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { type Measured, Place } from '../place.ts';
import { askAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const WATCHES_PER_CONNECTION = 100;
/** What a watch of everything counts as of --max-watches. */
const WEIGHT = 10;
const USERS = 1_000;
const MAX_P99_MS = 250;
const EVERYTHING = write.watch({ start: { everything: true } });

/** Logins at a rate. */
interface Load {
  rate: number;
  seconds: number;
}

interface Taken {
  tookMs: number[];
  cpuSeconds: number;
}

/** See the part's `about`. */
export const crowded = definePart({
  name: 'crowded',
  about: 'logins beside many watches of everything',
  options: {
    watches: { short: 500, full: 3_000, about: 'watches of everything' },
    rate: { short: 100, full: 100, about: 'logins a second' },
    seconds: { short: 5, full: 20, about: 'how long' },
  },
  run: (settings) =>
    Place.with(async (place) => {
      const watches = Number(settings.watches);
      const load = { rate: Number(settings.rate), seconds: Number(settings.seconds) };
      const redis = await place.redis();
      const flags = ['--max-watches', `${watches * WEIGHT}`];
      const daemon = await place.daemon({ redis: redis.url, flags });
      const client = new RawClient(daemon.addr);
      place.atEnd(async () => client.close());
      say('crowded: no watches');
      await logIn(client, daemon, load);
      const without = await logIn(client, daemon, load);
      say(`crowded: ${watches} watches of everything`);
      const crowd = await openWatches(daemon.addr, watches);
      place.atEnd(async () => crowd.close());
      return rowsOf(watches, load, await logIn(client, daemon, load), without);
    }),
});

async function openWatches(addr: string, count: number) {
  const clients: RawClient[] = [];
  let synced = 0;
  const failures: Error[] = [];
  for (let i = 0; i < count; i++) {
    if (i % WATCHES_PER_CONNECTION === 0) clients.push(new RawClient(addr));
    const stream = (clients.at(-1) as RawClient).stream(PATH.watch);
    stream.once('data', () => {
      synced += 1;
    });
    stream.on('data', () => {});
    stream.on('error', (error) => failures.push(error));
    stream.write(EVERYTHING);
  }
  await until(() => synced === count || failures.length > 0, 'all watches are synced');
  if (failures[0]) throw failures[0];
  return {
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

async function logIn(client: RawClient, daemon: Measured, load: Load): Promise<Taken> {
  const population = populationOf(USERS);
  let tookMs: number[] = [];
  const { cpu } = await costOf([[daemon.pid]], async () => {
    const took = await askAtRate(load, (i) => {
      const request = write.online(loginOf(population, i % USERS, { sessionId: `s-${Date.now()}-${i}` }));
      return { client, kind: 'online', path: PATH.online, request };
    });
    tookMs = took.online;
    await delay(1_000);
  });
  return { tookMs, cpuSeconds: cpu[0] as number };
}

function rowsOf(watches: number, { rate, seconds }: Load, crowd: Taken, without: Taken): Row[] {
  const row = `Online, ${rate} a second, ${watches} watches of everything`;
  const at = ({ tookMs }: Taken, share: number) => [quantile(tookMs, share)];
  const delivered = rate * seconds * watches;
  return [
    makeRow({
      ...{ row: `${row}, p50`, unit: 'ms', values: at(crowd, 0.5) },
      reference: { name: 'without watches', values: at(without, 0.5) },
    }),
    makeRow({
      ...{ row: `${row}, p99`, unit: 'ms', values: at(crowd, 0.99) },
      reference: { name: 'without watches', values: at(without, 0.99) },
      goal: { figure: 'value', atMost: MAX_P99_MS },
    }),
    makeRow({
      ...{ row: `delivered to ${watches} watches of everything`, unit: 'µs CPU of the daemon/change' },
      values: [((crowd.cpuSeconds - without.cpuSeconds) / delivered) * 1e6],
    }),
  ];
}
