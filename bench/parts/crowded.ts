// Logins beside many watches of everything: each login is one more change for all of them. Redis store, one daemon on one core; the watches
// take bytes, so that what is measured is the daemon.
import { setTimeout as delay } from 'node:timers/promises';
import protobuf from 'protobufjs/light.js';
import { loadRoot } from '../../packages/client/src/wire/protos.ts';
import { until } from '../../test/support/until.ts';
import { costOf } from '../cpu.ts';
import { quantile } from '../figures.ts';
import { loginOf, PATH, populationOf, write } from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition, type Measured } from '../place.ts';
import { askAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const WATCHES_PER_CONNECTION = 100;
/** What a watch of everything counts as of --max-watches. */
const WEIGHT = 10;
const USERS = 1_000;
const MAX_P99_MS = 250;
/** The number of `changes` in a response. */
const CHANGES_FIELD = changesField();
const EVERYTHING = write.watch({ start: { everything: true } });

/** Logins at a rate. */
interface Load {
  rate: number;
  seconds: number;
}

interface Taken {
  tookMs: number[];
  cpuSeconds: number;
  /** How many changes the watches received meanwhile, all together. */
  received: number;
}

/** Watches of everything. */
interface Crowd {
  /** How many changes they have received, all together. */
  received(): number;
  close(): void;
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
    LogPosition.with(async (place) => {
      const watches = Number(settings.watches);
      const load = { rate: Number(settings.rate), seconds: Number(settings.seconds) };
      const redis = await place.redis();
      const flags = ['--max-watches', `${watches * WEIGHT}`];
      const daemon = await place.daemon({ redis: redis.url, flags });
      const client = new RawClient(daemon.addr);
      place.atEnd(async () => client.close());
      say('crowded: no watches');
      const nobody: Crowd = { received: () => 0, close: () => {} };
      await logIn(client, daemon, load, nobody);
      const without = await logIn(client, daemon, load, nobody);
      say(`crowded: ${watches} watches of everything`);
      const crowd = await openWatches(daemon.addr, watches);
      place.atEnd(async () => crowd.close());
      return rowsOf(watches, load, await logIn(client, daemon, load, crowd), without);
    }),
});

async function openWatches(addr: string, count: number): Promise<Crowd> {
  const clients: RawClient[] = [];
  let synced = 0;
  let received = 0;
  const failures: Error[] = [];
  for (let i = 0; i < count; i++) {
    if (i % WATCHES_PER_CONNECTION === 0) clients.push(new RawClient(addr));
    const stream = (clients.at(-1) as RawClient).stream(PATH.watch);
    stream.once('data', () => {
      synced += 1;
    });
    stream.on('data', (bytes: Buffer) => {
      received += countChanges(bytes);
    });
    stream.on('error', (error) => failures.push(error));
    stream.write(EVERYTHING);
  }
  await until(() => synced === count || failures.length > 0, 'all watches are synced');
  if (failures[0]) throw failures[0];
  return {
    received: () => received,
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

async function logIn(client: RawClient, daemon: Measured, load: Load, crowd: Crowd): Promise<Taken> {
  const population = populationOf(USERS);
  let tookMs: number[] = [];
  const receivedBefore = crowd.received();
  const { cpu } = await costOf([[daemon.pid]], async () => {
    const took = await askAtRate(load, (i) => {
      const request = write.online(loginOf(population, i % USERS, { sessionId: `s-${Date.now()}-${i}` }));
      return { client, kind: 'online', path: PATH.online, request };
    });
    tookMs = took.online;
    await delay(1_000);
  });
  return { tookMs, cpuSeconds: cpu[0] as number, received: crowd.received() - receivedBefore };
}

function changesField(): number {
  const id = loadRoot().lookupType('imstate.v1.WatchResponse').fields.changes?.id;
  if (id === undefined) throw new Error('WatchResponse has no field `changes`');
  return id;
}

/** Counts the changes of a response without reading them, which would cost this process more than the daemon needs to send them. */
function countChanges(bytes: Buffer): number {
  const reader = protobuf.Reader.create(bytes);
  let count = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === CHANGES_FIELD) count += 1;
    reader.skipType(tag & 7);
  }
  return count;
}

function rowsOf(watches: number, { rate }: Load, crowd: Taken, without: Taken): Row[] {
  const row = `Online, ${rate} a second, ${watches} watches of everything`;
  const at = ({ tookMs }: Taken, share: number) => [quantile(tookMs, share)];
  return [
    makeRow({
      row: `${row}, p50`,
      unit: 'ms',
      values: at(crowd, 0.5),
      reference: { name: 'without watches', values: at(without, 0.5) },
    }),
    makeRow({
      row: `${row}, p99`,
      unit: 'ms',
      values: at(crowd, 0.99),
      reference: { name: 'without watches', values: at(without, 0.99) },
      goal: { figure: 'value', atMost: MAX_P99_MS },
    }),
    makeRow({
      row: `delivered to ${watches} watches of everything`,
      unit: 'µs CPU of the daemon/change',
      values: [((crowd.cpuSeconds - without.cpuSeconds) / crowd.received) * 1e6],
    }),
  ];
}
