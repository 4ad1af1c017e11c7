// Latency of logins while many watches of everything receive each change. The watches do not decode
// responses, so that the daemon is the limit.
import { setTimeout as delay } from 'node:timers/promises';
import protobuf from 'protobufjs/light.js';
import { loadRoot } from '../../packages/client/src/wire/protos.ts';
import { until } from '../../test/support/until.ts';
import { measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess } from '../environment.ts';
import { quantile } from '../figures.ts';
import { loginOf, PATH, populationOf, write } from '../messages.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { callAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const WATCHES_PER_CONNECTION = 100;
/** How much a watch of everything counts towards --max-watches. */
const WEIGHT = 10;
const USERS = 1_000;
const MAX_P99_MS = 250;
/** The field number of `changes` in a response. */
const CHANGES_FIELD = changesField();
const EVERYTHING = write.watch({ start: { everything: true } });

/** Logins at a rate. */
interface Load {
  rate: number;
  seconds: number;
}

interface Usage {
  tookMs: number[];
  cpuSeconds: number;
  /** Changes received by all watches meanwhile. */
  received: number;
}

/** Open watches of everything. */
interface OpenWatches {
  /** Changes received by all watches so far. */
  received(): number;
  close(): void;
}

/** See the part's `about`. */
export const crowded = definePart({
  name: 'crowded',
  about: 'logins while many watches of everything receive each change',
  options: {
    watches: { short: 500, full: 3_000, about: 'watches of everything' },
    rate: { short: 100, full: 100, about: 'logins per second' },
    seconds: { short: 5, full: 20, about: 'duration' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const watches = Number(settings.watches);
      const load = { rate: Number(settings.rate), seconds: Number(settings.seconds) };
      const redis = await environment.redis();
      const flags = ['--max-watches', `${watches * WEIGHT}`];
      const daemon = await environment.daemon({ redis: redis.url, flags });
      const client = new RawClient(daemon.addr);
      environment.defer(async () => client.close());
      logProgress('crowded: no watches');
      const none: OpenWatches = { received: () => 0, close: () => {} };
      await logIn(client, daemon, load, none);
      const without = await logIn(client, daemon, load, none);
      logProgress(`crowded: ${watches} watches of everything`);
      const crowd = await openWatches(daemon.addr, watches);
      environment.defer(async () => crowd.close());
      return rowsOf(watches, load, await logIn(client, daemon, load, crowd), without);
    }),
});

async function openWatches(addr: string, count: number): Promise<OpenWatches> {
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

async function logIn(
  client: RawClient,
  daemon: MeasuredProcess,
  load: Load,
  crowd: OpenWatches,
): Promise<Usage> {
  const population = populationOf(USERS);
  let tookMs: number[] = [];
  const receivedBefore = crowd.received();
  const { cpu } = await measureCpu([[daemon.pid]], async () => {
    const took = await callAtRate(load, (i) => {
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

/**
 * Counts the changes of a response without decoding them, which would cost more than the daemon needs to send
 * them.
 */
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

function rowsOf(watches: number, { rate }: Load, crowd: Usage, without: Usage): Row[] {
  const row = `Online, ${rate} calls/s, ${watches} watches of everything`;
  const at = ({ tookMs }: Usage, share: number) => [quantile(tookMs, share)];
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
