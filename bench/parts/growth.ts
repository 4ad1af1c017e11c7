// Growth: the latency of calls at a fixed modest rate, and the memory of Redis, with more and more devices online. Each size has a
// Redis and a daemon of its own; the smallest lives as long as all others, and each is measured together with it, call by call in turn.
import { writeFile } from 'node:fs/promises';
import { chartOf } from '../chart.ts';
import { median, quantile } from '../figures.ts';
import { logInAll } from '../fill.ts';
import { loginOf, PATH, type Population, populationOf, userId, write } from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition } from '../place.ts';
import { type Ask, askAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';
import { heldBytes } from '../redisLoad.ts';

const KINDS = ['Online', 'Offline', 'GetUser', 'BatchGetUsers'] as const;
type Kind = (typeof KINDS)[number];
const USERS_A_BATCH = 500;
/** One call of so many is a BatchGetUsers. */
const BATCH_EVERY = 20;
const MAX_RATIO = 1.3;

/** A Redis with so many devices online, and a daemon. */
interface Size extends Population {
  client: RawClient;
  /** Memory of Redis without the ledger, a device. */
  bytes: number;
}

/** Percentiles of one round, in milliseconds. */
type Round = Record<Kind, { p50: number; p99: number }>;

/** What was measured of a size, each round beside the same of the smallest. */
interface Growth {
  size: Size;
  rounds: Round[];
  ofSmallest: Round[];
}

/** See the part's `about`. */
export const growth = definePart({
  name: 'growth',
  about: 'latency at a modest rate, and memory of Redis, with more and more devices online',
  options: {
    sizes: { short: '10000,100000', full: '10000,100000,1000000,10000000', about: 'devices online' },
    rounds: {
      short: 3,
      full: 10,
      about: 'how often each size is measured, call by call in turn with the smallest',
    },
    seconds: { short: 3, full: 10, about: 'how long a round is' },
    rate: { short: 200, full: 200, about: 'calls a second, of all kinds and to both sizes together' },
    chart: { short: '', full: 'docs/growth.svg', about: 'file of the chart' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const [smallest, ...larger] = settings.sizes
        .split(',')
        .map(Number)
        .sort((a, b) => a - b);
      const small = await start(place, smallest as number);
      const found: Growth[] = [];
      for (const devices of larger) {
        found.push(
          await LogPosition.with(async (ofSize) => {
            const large = await start(ofSize, devices);
            return compare(small, large, Number(settings.rounds), {
              rate: Number(settings.rate),
              seconds: Number(settings.seconds),
            });
          }),
        );
      }
      if (settings.chart !== '') await writeFile(settings.chart, draw(small, found));
      return found.flatMap((each) => rowsOf(small, each));
    }),
});

async function start(place: LogPosition, devices: number): Promise<Size> {
  say(`growth: ${devices} devices log in`);
  const population = populationOf(devices);
  const redis = await place.redis();
  const daemon = await place.daemon({ redis: redis.url });
  const empty = await heldBytes(redis.admin);
  await logInAll(daemon.addr, population);
  const bytes = ((await heldBytes(redis.admin)) - empty) / devices;
  const client = new RawClient(daemon.addr);
  place.atEnd(async () => client.close());
  return { ...population, client, bytes };
}

async function compare(
  small: Size,
  large: Size,
  rounds: number,
  load: { rate: number; seconds: number },
): Promise<Growth> {
  const growth: Growth = { size: large, rounds: [], ofSmallest: [] };
  const next = [callsOf(small), callsOf(large)] as const;
  for (let i = 0; i <= rounds; i++) {
    say(`growth: round ${i} of ${rounds} with ${large.users} devices`);
    const took = await askAtRate(load, (at) => {
      const side = at % 2;
      const ask = (next[side] as () => Ask<Kind>)();
      return { ...ask, kind: `${side} ${ask.kind}` };
    });
    // The first round warms up.
    if (i === 0) continue;
    for (const [side, into] of [growth.ofSmallest, growth.rounds].entries()) {
      const times = KINDS.map((kind) => [kind, took[`${side} ${kind}`] as number[]] as const);
      const round = times.map(([kind, each]) => [kind, { p50: median(each), p99: quantile(each, 0.99) }]);
      into.push(Object.fromEntries(round) as Round);
    }
  }
  return growth;
}

/** Calls about users picked at random: logins of second devices and their logouts, and questions. */
function callsOf(size: Size): () => Ask<Kind> {
  const pick = () => Math.floor(Math.random() * size.users);
  const { client } = size;
  let login = loginOf(size, 0);
  let calls = 0;
  const turn: (() => Ask<Kind>)[] = [
    () => {
      login = loginOf(size, pick(), { deviceId: 'tablet' });
      return { client, kind: 'Online', path: PATH.online, request: write.online(login) };
    },
    () => {
      const request = write.getUser({ userId: userId(pick()) });
      return { client, kind: 'GetUser', path: PATH.getUser, request };
    },
    () => {
      const { userId, deviceId } = login as { userId: string; deviceId: string };
      return { client, kind: 'Offline', path: PATH.offline, request: write.offline({ userId, deviceId }) };
    },
  ];
  let turns = 0;
  return () => {
    if (calls++ % BATCH_EVERY !== 0) return (turn[turns++ % turn.length] as () => Ask<Kind>)();
    const userIds = Array.from({ length: USERS_A_BATCH }, () => userId(pick()));
    return {
      client,
      kind: 'BatchGetUsers',
      path: PATH.batchGetUsers,
      request: write.batchGetUsers({ userIds }),
    };
  };
}

function rowsOf(small: Size, { size, rounds, ofSmallest }: Growth): Row[] {
  const name = `with ${small.users.toLocaleString('en')}`;
  const row = (what: string) => `${what}, ${size.users.toLocaleString('en')} devices`;
  const latency = (kind: Kind, figure: 'p50' | 'p99') => ({
    row: row(`${kind}, ${figure}`),
    unit: 'ms',
    values: rounds.map((round) => round[kind][figure]),
    reference: { name, values: ofSmallest.map((round) => round[kind][figure]) },
  });
  return [
    ...KINDS.map((kind) =>
      makeRow({ ...latency(kind, 'p50'), goal: { figure: 'ratio', atMost: MAX_RATIO } }),
    ),
    ...KINDS.map((kind) => makeRow(latency(kind, 'p99'))),
    makeRow({
      row: row('memory'),
      unit: 'bytes/device',
      values: [size.bytes],
      reference: { name, values: [small.bytes] },
      goal: { figure: 'ratio', atMost: MAX_RATIO },
    }),
  ];
}

function draw(small: Size, found: Growth[]): string {
  const ratioOf = (kind: Kind, { rounds, ofSmallest }: Growth) =>
    median(rounds.map((round, i) => round[kind].p50 / (ofSmallest[i] as Round)[kind].p50));
  const lines = KINDS.map((kind) => ({
    name: kind,
    points: [
      [small.users, 1] as const,
      ...found.map((each) => [each.size.users, ratioOf(kind, each)] as const),
    ],
  }));
  const memory = [small, ...found.map(({ size }) => size)].map(({ users, bytes }) => [users, bytes] as const);
  const beside = `median latency, beside that with ${small.users.toLocaleString('en')} devices`;
  return chartOf('devices online', [
    { title: beside, lines, bound: { at: MAX_RATIO, name: `${MAX_RATIO}` }, max: 1.6 },
    { title: 'bytes of Redis a device', lines: [{ name: 'memory', points: memory }], max: 320 },
  ]);
}
