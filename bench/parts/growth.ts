// Latency at a moderate fixed rate, and memory in Redis, as the number of online devices grows. Each size has
// its own Redis and daemon. Each larger size is measured together with the smallest one, in alternation call
// by call.

import { Environment } from '../environment.ts';
import { median, quantile } from '../figures.ts';
import { logInAll } from '../fill.ts';
import { loginOf, PATH, type Population, populationOf, userId, write } from '../messages.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { callAtRate, type ScheduledCall } from '../rate.ts';
import { RawClient } from '../rawClient.ts';
import { dataBytes } from '../redisLoad.ts';

const KINDS = ['Online', 'Offline', 'GetUser', 'BatchGetUsers'] as const;
type Kind = (typeof KINDS)[number];
const BATCH_USERS = 500;
/** Every n-th call is a BatchGetUsers. */
const BATCH_EVERY = 20;
const MAX_RATIO = 1.3;

/** A Redis with a number of online devices, and a daemon. */
interface Size extends Population {
  client: RawClient;
  /** Memory in Redis per device, without the change logs. */
  bytes: number;
}

/** Percentiles of one round, in milliseconds. */
type Round = Record<Kind, { p50: number; p99: number }>;

/** The rounds of a size, and the same rounds of the smallest size. */
interface Growth {
  size: Size;
  rounds: Round[];
  ofSmallest: Round[];
}

/** See the part's `about`. */
export const growth = definePart({
  name: 'growth',
  about: 'latency at a moderate rate, and memory in Redis, as the number of online devices grows',
  options: {
    sizes: {
      short: '10000,100000',
      full: '10000,100000,1000000,10000000',
      about: 'numbers of online devices',
    },
    rounds: {
      short: 3,
      full: 10,
      about: 'rounds per size, alternating with the smallest size',
    },
    seconds: { short: 3, full: 10, about: 'duration of a round' },
    rate: { short: 200, full: 200, about: 'calls per second, of all kinds and to both sizes' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const [smallest, ...larger] = settings.sizes
        .split(',')
        .map(Number)
        .sort((a, b) => a - b);
      const small = await start(environment, smallest as number);
      const found: Growth[] = [];
      for (const devices of larger) {
        found.push(
          await Environment.with(async (ofSize) => {
            const large = await start(ofSize, devices);
            return compare(small, large, Number(settings.rounds), {
              rate: Number(settings.rate),
              seconds: Number(settings.seconds),
            });
          }),
        );
      }
      return found.flatMap((each) => rowsOf(small, each));
    }),
});

async function start(environment: Environment, devices: number): Promise<Size> {
  logProgress(`growth: ${devices} devices log in`);
  const population = populationOf(devices);
  const redis = await environment.redis();
  const daemon = await environment.daemon({ redis: redis.url });
  const empty = await dataBytes(redis.admin);
  await logInAll(daemon.addr, population);
  const bytes = ((await dataBytes(redis.admin)) - empty) / devices;
  const client = new RawClient(daemon.addr);
  environment.defer(async () => client.close());
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
    logProgress(`growth: round ${i} of ${rounds} with ${large.users} devices`);
    const took = await callAtRate(load, (at) => {
      const side = at % 2;
      const call = (next[side] as () => ScheduledCall<Kind>)();
      return { ...call, kind: `${side} ${call.kind}` };
    });
    // The first round is the warm-up.
    if (i === 0) continue;
    for (const [side, into] of [growth.ofSmallest, growth.rounds].entries()) {
      const times = KINDS.map((kind) => [kind, took[`${side} ${kind}`] as number[]] as const);
      const round = times.map(([kind, each]) => [kind, { p50: median(each), p99: quantile(each, 0.99) }]);
      into.push(Object.fromEntries(round) as Round);
    }
  }
  return growth;
}

/** Calls for random users: logins and logouts of a second device, and lookups. */
function callsOf(size: Size): () => ScheduledCall<Kind> {
  const pick = () => Math.floor(Math.random() * size.users);
  const { client } = size;
  let login = loginOf(size, 0);
  let calls = 0;
  const turn: (() => ScheduledCall<Kind>)[] = [
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
    if (calls++ % BATCH_EVERY !== 0) return (turn[turns++ % turn.length] as () => ScheduledCall<Kind>)();
    const userIds = Array.from({ length: BATCH_USERS }, () => userId(pick()));
    return {
      client,
      kind: 'BatchGetUsers',
      path: PATH.batchGetUsers,
      request: write.batchGetUsers({ userIds }),
    };
  };
}

function rowsOf(small: Size, { size, rounds, ofSmallest }: Growth): Row[] {
  const name = `with ${small.users.toLocaleString('en')} devices`;
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
