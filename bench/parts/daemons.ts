// Several daemons, on one Redis and on a Redis Cluster of three masters with one replica each: total rate and
// costs. All daemons share core 0; Redis and the load generator share the other cores. Two cores show costs,
// not throughput.
import { startCluster } from '../../test/support/cluster.ts';
import { measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess } from '../environment.ts';
import {
  BATCH,
  batchesOf,
  checkResponses,
  loginOf,
  logoutOf,
  PATH,
  populationOf,
  userId,
  write,
} from '../messages.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { RawClient } from '../rawClient.ts';

const DAEMONS = [1, 2, 3];
const BATCH_USERS = 500;
/** Concurrent BatchGetUsers calls per client. */
const CONCURRENCY = 4;

/** A Redis or a Redis Cluster, and the daemons that use it. */
interface Setup {
  name: string;
  masters: number[];
  replicas: number[];
  daemons: MeasuredProcess[];
  clients: RawClient[];
}

/** Seconds per operation. */
interface Measure {
  wall: number;
  daemons: number;
  masters: number;
  replicas: number;
}

/** The rounds of a setup with a number of daemons. */
interface Found {
  setup: Setup;
  daemons: number;
  changes: Measure[];
  lookups: Measure[];
}

/** See the part's `about`. */
export const daemons = definePart({
  name: 'daemons',
  about: 'one, two and three daemons, on one Redis and on a Redis Cluster of 3 masters and 3 replicas',
  isLong: true,
  options: {
    rounds: { short: 2, full: 7, about: 'rounds, alternating' },
    users: { short: 20_000, full: 100_000, about: 'users; each logs in and out once per round' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const users = Number(settings.users);
      const redis = await environment.redis();
      const cluster = await startCluster(3, 3);
      environment.defer(() => cluster.stop());
      const pids = cluster.nodes.map(({ pid }) => pid);
      const setups = [
        await start(environment, redis.url, { name: 'one Redis', masters: [redis.pid], replicas: [] }),
        await start(environment, cluster.url, {
          name: 'cluster of 3 masters, 3 replicas',
          masters: pids.slice(0, 3),
          replicas: pids.slice(3),
        }),
      ];
      const found: Found[] = setups.flatMap((setup) =>
        DAEMONS.map((count) => ({ setup, daemons: count, changes: [], lookups: [] })),
      );
      for (const { setup, daemons: count } of found) await changes(setup, count, users);
      for (let i = 1; i <= Number(settings.rounds); i++) {
        logProgress(`daemons: round ${i} of ${settings.rounds}`);
        for (const each of i % 2 ? found : [...found].reverse()) {
          each.changes.push(await changes(each.setup, each.daemons, users));
          each.lookups.push(await lookups(each.setup, each.daemons, users));
        }
      }
      return found.flatMap((each) => rowsOf(each, found));
    }),
});

async function start(
  environment: Environment,
  redis: string,
  setup: Omit<Setup, 'daemons' | 'clients'>,
): Promise<Setup> {
  const started: MeasuredProcess[] = [];
  for (const _ of DAEMONS) started.push(await environment.daemon({ redis }));
  const clients = started.map(({ addr }) => new RawClient(addr));
  environment.defer(async () => {
    for (const client of clients) client.close();
  });
  return { ...setup, daemons: started, clients };
}

async function measure(setup: Setup, operations: number, work: () => Promise<unknown>): Promise<Measure> {
  const pids = setup.daemons.map(({ pid }) => pid);
  const { seconds, cpu } = await measureCpu([pids, setup.masters, setup.replicas], work);
  const [ofDaemons, masters, replicas] = cpu.map((each) => each / operations) as [number, number, number];
  return { wall: seconds / operations, daemons: ofDaemons, masters, replicas };
}

/** All users log in, and then log out. */
async function changes(setup: Setup, count: number, users: number): Promise<Measure> {
  const population = populationOf(users);
  const logins = [...batchesOf(users, (i) => ({ online: loginOf(population, i) }))];
  const logouts = [...batchesOf(users, (i) => ({ offline: logoutOf(i) }))];
  return measure(setup, 2 * users, async () => {
    for (const batches of [logins, logouts]) {
      await Promise.all(
        setup.clients.slice(0, count).map((client, part) => {
          const messages = batches.filter((_, i) => i % count === part);
          return client.send(PATH.apply, { messages, onResponse: checkResponses() });
        }),
      );
    }
  });
}

async function lookups(setup: Setup, count: number, users: number): Promise<Measure> {
  const requests = Array.from({ length: Math.ceil((users * 2) / BATCH_USERS) }, () =>
    write.batchGetUsers({
      userIds: Array.from({ length: BATCH_USERS }, () => userId(Math.floor(Math.random() * users))),
    }),
  );
  const left = requests.values();
  const sendAll = async (client: RawClient) => {
    for (const request of left) await client.call(PATH.batchGetUsers, request);
  };
  const senders = setup.clients
    .slice(0, count)
    .flatMap((client) => Array.from({ length: CONCURRENCY }, () => client));
  return measure(setup, requests.length * BATCH_USERS, () => Promise.all(senders.map(sendAll)));
}

function rowsOf(each: Found, all: Found[]): Row[] {
  const { setup, daemons: count } = each;
  const first = all.find((other) => other.setup === setup) as Found;
  const onOne = all.find((other) => other.daemons === count) as Found;
  const row = (what: string) => `${what}, ${setup.name}, ${count} daemon${count > 1 ? 's' : ''}`;
  return (['changes', 'lookups'] as const).flatMap((kind) => {
    const what =
      kind === 'changes' ? `changes by Apply, batches of ${BATCH}` : `lookups, batches of ${BATCH_USERS}`;
    const rates = (of: Found, figure: keyof Measure) => of[kind].map((measured) => 1 / measured[figure]);
    const micros = (of: Found, figure: keyof Measure) => of[kind].map((measured) => measured[figure] * 1e6);
    const comparedWithOne = (figure: keyof Measure) => ({
      values: rates(each, figure),
      reference: { name: 'with one daemon', values: rates(first, figure) },
    });
    const rows = [
      makeRow({ row: row(what), unit: '/s', ...comparedWithOne('wall') }),
      makeRow({ row: row(what), unit: '/CPU s of the daemons', ...comparedWithOne('daemons') }),
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
