// Growth: the latency of calls at a fixed modest rate, and the memory of Redis, with more and more devices online. Each size has a
// Redis and a daemon of its own; the smallest lives as long as all others, and is measured in alternation with each.
import { writeFile } from 'node:fs/promises';
import { chartOf } from '../chart.ts';
import { median, quantile } from '../figures.ts';
import { logInAll } from '../fill.ts';
import { loginOf, PATH, type Population, populationOf, userId, write } from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { Place } from '../place.ts';
import { type Ask, askAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';
import { heldBytes } from '../redisLoad.ts';

const KINDS = ['Online', 'Offline', 'GetUser', 'BatchGetUsers'] as const;
type Kind = (typeof KINDS)[number];
const USERS_A_BATCH = 500;
/** One call of so many is a BatchGetUsers. */
const BATCH_EVERY = 20;
const MOST_RATIO = 1.3;

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
      about: 'how often each size is measured, in alternation with the smallest',
    },
    seconds: { short: 3, full: 10, about: 'how long a round is' },
    rate: { short: 200, full: 200, about: 'calls a second, of all kinds together' },
    chart: { short: '', full: 'docs/growth.svg', about: 'file of the chart' },
  },
  run: (settings) =>
    Place.with(async (place) => {
      const [smallest, ...larger] = settings.sizes
        .split(',')
        .map(Number)
        .sort((a, b) => a - b);
      const small = await start(place, smallest as number);
      const found: Growth[] = [];
      for (const devices of larger) {
        found.push(
          await Place.with(async (ofSize) => {
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

async function start(place: Place, devices: number): Promise<Size> {
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
  const [smallToo, largeToo] = [measure(small), measure(large)];
  await smallToo(load);
  await largeToo(load);
  for (let i = 1; i <= rounds; i++) {
    say(`growth: round ${i} of ${rounds} with ${large.users} devices`);
    const sides = [
      async () => growth.ofSmallest.push(await smallToo(load)),
      async () => growth.rounds.push(await largeToo(load)),
    ];
    for (const side of i % 2 ? sides : sides.reverse()) await side();
  }
  return growth;
}

/** Measures a round: logins of second devices and their logouts, and questions, all about users picked at random. */
function measure(size: Size): (load: { rate: number; seconds: number }) => Promise<Round> {
  const pick = () => Math.floor(Math.random() * size.users);
  let login = loginOf(size, 0);
  const kinds: Record<Kind, () => Omit<Ask<Kind>, 'kind'>> = {
    Online: () => {
      login = loginOf(size, pick(), { deviceId: 'tablet' });
      return { path: PATH.online, request: write.online(login) };
    },
    Offline: () => {
      const { userId, deviceId } = login as { userId: string; deviceId: string };
      return { path: PATH.offline, request: write.offline({ userId, deviceId }) };
    },
    GetUser: () => ({ path: PATH.getUser, request: write.getUser({ userId: userId(pick()) }) }),
    BatchGetUsers: () => {
      const userIds = Array.from({ length: USERS_A_BATCH }, () => userId(pick()));
      return { path: PATH.batchGetUsers, request: write.batchGetUsers({ userIds }) };
    },
  };
  const turn: Kind[] = ['Online', 'GetUser', 'Offline'];
  return async (load) => {
    let turns = 0;
    const took = await askAtRate<Kind>(size.client, load, (i) => {
      const kind = i % BATCH_EVERY === 0 ? 'BatchGetUsers' : (turn[turns++ % turn.length] as Kind);
      return { kind, ...kinds[kind]() };
    });
    const round = KINDS.map((kind) => [kind, { p50: median(took[kind]), p99: quantile(took[kind], 0.99) }]);
    return Object.fromEntries(round) as Round;
  };
}

function rowsOf(small: Size, { size, rounds, ofSmallest }: Growth): Row[] {
  const name = `with ${small.users.toLocaleString('en')}`;
  const row = (what: string) => `${what}, ${size.users.toLocaleString('en')} devices`;
  const latency = (kind: Kind, figure: 'p50' | 'p99') => ({
    ...{ row: row(`${kind}, ${figure}`), unit: 'ms', values: rounds.map((round) => round[kind][figure]) },
    reference: { name, values: ofSmallest.map((round) => round[kind][figure]) },
  });
  return [
    ...KINDS.map((kind) =>
      makeRow({ ...latency(kind, 'p50'), goal: { figure: 'ratio', atMost: MOST_RATIO } }),
    ),
    ...KINDS.map((kind) => makeRow(latency(kind, 'p99'))),
    makeRow({
      ...{ row: row('memory'), unit: 'bytes/device', values: [size.bytes] },
      ...{ reference: { name, values: [small.bytes] }, goal: { figure: 'ratio', atMost: MOST_RATIO } },
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
    { title: beside, lines, bound: { at: MOST_RATIO, name: `${MOST_RATIO}` }, most: 1.6 },
    { title: 'bytes of Redis a device', lines: [{ name: 'memory', points: memory }], most: 320 },
  ]);
}
