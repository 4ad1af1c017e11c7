// Costs by the number of shards. A batch makes one script call for each shard that it touches, and a
// keep-alive or a sweep makes one for every shard.
import { setTimeout as delay } from 'node:timers/promises';
import { measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess, type MeasuredRedis } from '../environment.ts';
import {
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

const BATCH_USERS = 500;
const CONCURRENT_LOOKUPS = 4;
const CONCURRENT_KEEP_ALIVES = 16;
const IDLE_MS = 3_000;

/** A Redis with a number of shards, and a daemon. */
interface Setup {
  shards: number;
  redis: MeasuredRedis;
  daemon: MeasuredProcess;
  client: RawClient;
}

/** CPU seconds of the daemon and of Redis per operation. */
interface Measure {
  daemon: number;
  redis: number;
}

type Kind = 'change' | 'lookup' | 'keep-alive' | 'idle second';
type Round = Record<Kind, Measure>;

/** See the part's `about`. */
export const shards = definePart({
  name: 'shards',
  about: 'cost of changes, lookups, keep-alives and an idle daemon, by the number of shards',
  isLong: true,
  options: {
    shards: { short: '16,64', full: '16,64,256', about: 'numbers of shards; the first is the reference' },
    rounds: { short: 2, full: 5, about: 'rounds, alternating' },
    users: { short: 20_000, full: 100_000, about: 'users; each logs in and out once per round' },
    'keep-alives': { short: 500, full: 2_000, about: 'keep-alives per round' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const users = Number(settings.users);
      const setups: Setup[] = [];
      for (const count of settings.shards.split(',').map(Number))
        setups.push(await start(environment, count));
      const rounds = setups.map((): Round[] => []);
      for (const setup of setups) await measure(setup, users, Number(settings['keep-alives']));
      for (let i = 1; i <= Number(settings.rounds); i++) {
        logProgress(`shards: round ${i} of ${settings.rounds}`);
        for (const [at, setup] of setups.entries()) {
          rounds[at]?.push(await measure(setup, users, Number(settings['keep-alives'])));
        }
      }
      return setups.flatMap((setup, at) =>
        rowsOf(setup, rounds[at] as Round[], setups[0] as Setup, rounds[0] as Round[]),
      );
    }),
});

async function start(environment: Environment, count: number): Promise<Setup> {
  const redis = await environment.redis();
  const daemon = await environment.daemon({ redis: redis.url, flags: ['--shards', `${count}`] });
  const client = new RawClient(daemon.addr);
  environment.defer(async () => client.close());
  return { shards: count, redis, daemon, client };
}

async function measure({ redis, daemon, client }: Setup, users: number, keepAlives: number): Promise<Round> {
  const population = populationOf(users);
  const cost = async (operations: number, work: () => Promise<unknown>): Promise<Measure> => {
    const { cpu } = await measureCpu([[daemon.pid], [redis.pid]], work);
    return { daemon: (cpu[0] as number) / operations, redis: (cpu[1] as number) / operations };
  };
  const send = (messages: Iterable<Buffer>) =>
    client.send(PATH.apply, { messages, onResponse: checkResponses() });
  const logins = [...batchesOf(users, (i) => ({ online: loginOf(population, i) }))];
  const logouts = [...batchesOf(users, (i) => ({ offline: logoutOf(i) }))];
  const requests = Array.from({ length: Math.ceil(users / BATCH_USERS) }, () =>
    write.batchGetUsers({
      userIds: Array.from({ length: BATCH_USERS }, () => userId(Math.floor(Math.random() * users))),
    }),
  );
  const keepAlive = write.keepServerAlive({ serverAddr: '10.1.0.1:9000', incarnation: 1 });
  const left = requests.values();
  const sendAll = async () => {
    for (const request of left) await client.call(PATH.batchGetUsers, request);
  };
  return {
    change: await cost(2 * users, async () => {
      await send(logins);
      await send(logouts);
    }),
    lookup: await cost(requests.length * BATCH_USERS, () =>
      Promise.all(Array.from({ length: CONCURRENT_LOOKUPS }, sendAll)),
    ),
    'keep-alive': await cost(keepAlives, () =>
      client.send(PATH.keepServerAlive, {
        messages: Array.from({ length: keepAlives }, () => keepAlive),
        streams: CONCURRENT_KEEP_ALIVES,
        inFlight: 1,
      }),
    ),
    'idle second': await cost(IDLE_MS / 1_000, () => delay(IDLE_MS)),
  };
}

function rowsOf(setup: Setup, rounds: Round[], first: Setup, ofFirst: Round[]): Row[] {
  const row = (kind: Kind) => `${kind}, ${setup.shards} shards`;
  const micros = (of: Round[], kind: Kind, figure: keyof Measure) =>
    of.map((round) => round[kind][figure] * 1e6);
  return (Object.keys(rounds[0] as Round) as Kind[]).flatMap((kind) =>
    (['daemon', 'redis'] as const).map((figure) =>
      makeRow({
        row: row(kind),
        unit: `µs CPU of ${figure === 'redis' ? 'Redis' : 'the daemon'}`,
        values: micros(rounds, kind, figure),
        reference: { name: `with ${first.shards} shards`, values: micros(ofFirst, kind, figure) },
      }),
    ),
  );
}
