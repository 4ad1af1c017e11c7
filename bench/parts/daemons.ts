// More than one daemon, on one Redis and on a Redis Cluster of three masters with a replica each: what all of them take together,
// and what it costs. The daemons share core 0, all of Redis and the load the others: two cores show the cost, not the speed.
import { startCluster } from '../../test/support/cluster.ts';
import { costOf } from '../cpu.ts';
import {
  BATCH,
  batchesOf,
  checkAnswers,
  loginOf,
  logoutOf,
  PATH,
  populationOf,
  userId,
  write,
} from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition, type Measured } from '../place.ts';
import { RawClient } from '../rawClient.ts';

const DAEMONS = [1, 2, 3];
const USERS_A_BATCH = 500;
/** BatchGetUsers that a client sends at a time. */
const AT_ONCE = 4;

/** Redis of one kind, and the daemons on it. */
interface Setup {
  name: string;
  masters: number[];
  replicas: number[];
  daemons: Measured[];
  clients: RawClient[];
}

/** Seconds, an operation. */
interface Measure {
  wall: number;
  daemons: number;
  masters: number;
  replicas: number;
}

/** What so many daemons of a setup took, round by round. */
interface Found {
  setup: Setup;
  daemons: number;
  changes: Measure[];
  lookUps: Measure[];
}

/** See the part's `about`. */
export const daemons = definePart({
  name: 'daemons',
  about: 'one, two and three daemons, on one Redis and on a Redis Cluster of 3 masters and 3 replicas',
  isLong: true,
  options: {
    rounds: { short: 2, full: 7, about: 'how often each number of daemons is measured, in alternation' },
    users: { short: 20_000, full: 100_000, about: 'users, each of whom logs in and out a round' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const users = Number(settings.users);
      const redis = await place.redis();
      const cluster = await startCluster(3, 3);
      place.atEnd(() => cluster.stop());
      const pids = cluster.nodes.map(({ pid }) => pid);
      const setups = [
        await start(place, redis.url, { name: 'one Redis', masters: [redis.pid], replicas: [] }),
        await start(place, cluster.url, {
          name: 'cluster of 3 masters, 3 replicas',
          masters: pids.slice(0, 3),
          replicas: pids.slice(3),
        }),
      ];
      const found: Found[] = setups.flatMap((setup) =>
        DAEMONS.map((count) => ({ setup, daemons: count, changes: [], lookUps: [] })),
      );
      for (const { setup, daemons: count } of found) await changes(setup, count, users);
      for (let i = 1; i <= Number(settings.rounds); i++) {
        say(`daemons: round ${i} of ${settings.rounds}`);
        for (const each of i % 2 ? found : [...found].reverse()) {
          each.changes.push(await changes(each.setup, each.daemons, users));
          each.lookUps.push(await lookUps(each.setup, each.daemons, users));
        }
      }
      return found.flatMap((each) => rowsOf(each, found));
    }),
});

async function start(
  place: LogPosition,
  redis: string,
  setup: Omit<Setup, 'daemons' | 'clients'>,
): Promise<Setup> {
  const started: Measured[] = [];
  for (const _ of DAEMONS) started.push(await place.daemon({ redis }));
  const clients = started.map(({ addr }) => new RawClient(addr));
  place.atEnd(async () => {
    for (const client of clients) client.close();
  });
  return { ...setup, daemons: started, clients };
}

async function measure(setup: Setup, operations: number, work: () => Promise<unknown>): Promise<Measure> {
  const pids = setup.daemons.map(({ pid }) => pid);
  const { seconds, cpu } = await costOf([pids, setup.masters, setup.replicas], work);
  const [ofDaemons, masters, replicas] = cpu.map((each) => each / operations) as [number, number, number];
  return { wall: seconds / operations, daemons: ofDaemons, masters, replicas };
}

/** Everybody logs in, and then out. */
async function changes(setup: Setup, count: number, users: number): Promise<Measure> {
  const population = populationOf(users);
  const logins = [...batchesOf(users, (i) => ({ online: loginOf(population, i) }))];
  const logouts = [...batchesOf(users, (i) => ({ offline: logoutOf(i) }))];
  return measure(setup, 2 * users, async () => {
    for (const batches of [logins, logouts]) {
      await Promise.all(
        setup.clients.slice(0, count).map((client, part) => {
          const messages = batches.filter((_, i) => i % count === part);
          return client.send(PATH.apply, { messages, onAnswer: checkAnswers() });
        }),
      );
    }
  });
}

async function lookUps(setup: Setup, count: number, users: number): Promise<Measure> {
  const requests = Array.from({ length: Math.ceil((users * 2) / USERS_A_BATCH) }, () =>
    write.batchGetUsers({
      userIds: Array.from({ length: USERS_A_BATCH }, () => userId(Math.floor(Math.random() * users))),
    }),
  );
  const left = requests.values();
  const ask = async (client: RawClient) => {
    for (const request of left) await client.call(PATH.batchGetUsers, request);
  };
  const askers = setup.clients
    .slice(0, count)
    .flatMap((client) => Array.from({ length: AT_ONCE }, () => client));
  return measure(setup, requests.length * USERS_A_BATCH, () => Promise.all(askers.map(ask)));
}

function rowsOf(each: Found, all: Found[]): Row[] {
  const { setup, daemons: count } = each;
  const first = all.find((other) => other.setup === setup) as Found;
  const onOne = all.find((other) => other.daemons === count) as Found;
  const row = (what: string) => `${what}, ${setup.name}, ${count} daemon${count > 1 ? 's' : ''}`;
  return (['changes', 'lookUps'] as const).flatMap((kind) => {
    const what =
      kind === 'changes' ? `changes by Apply, ${BATCH} a batch` : `look-ups, ${USERS_A_BATCH} a batch`;
    const rates = (of: Found, figure: keyof Measure) => of[kind].map((measured) => 1 / measured[figure]);
    const micros = (of: Found, figure: keyof Measure) => of[kind].map((measured) => measured[figure] * 1e6);
    const besideFirst = (figure: keyof Measure) => ({
      values: rates(each, figure),
      reference: { name: 'by one daemon', values: rates(first, figure) },
    });
    const rows = [
      makeRow({ row: row(what), unit: '/s', ...besideFirst('wall') }),
      makeRow({ row: row(what), unit: '/CPU s of the daemons', ...besideFirst('daemons') }),
      makeRow({
        row: row(what),
        unit: 'µs CPU of the masters',
        values: micros(each, 'masters'),
        reference: { name: 'on one Redis', values: micros(onOne, 'masters') },
      }),
    ];
    if (setup.replicas.length === 0) return rows;
    const values = micros(each, 'replicas');
    return [...rows, makeRow({ row: row(what), unit: 'µs CPU of the replicas', values })];
  });
}
