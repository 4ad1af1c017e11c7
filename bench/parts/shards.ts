// What the number of shards costs: a batch makes a script call a shard that it touches, and so does a keep-alive and a sweep.
import { setTimeout as delay } from 'node:timers/promises';
import { costOf } from '../cpu.ts';
import {
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
import { LogPosition, type Measured, type MeasuredRedis } from '../place.ts';
import { RawClient } from '../rawClient.ts';

const USERS_A_BATCH = 500;
const LOOK_UPS_AT_ONCE = 4;
const KEEP_ALIVES_AT_ONCE = 16;
const IDLE_MS = 3_000;

/** A Redis with so many shards, and a daemon on it. */
interface Setup {
  shards: number;
  redis: MeasuredRedis;
  daemon: Measured;
  client: RawClient;
}

/** CPU seconds of the daemon and of Redis, an operation. */
interface Measure {
  daemon: number;
  redis: number;
}

type Kind = 'change' | 'look-up' | 'keep-alive' | 'second without calls';
type Round = Record<Kind, Measure>;

/** See the part's `about`. */
export const shards = definePart({
  name: 'shards',
  about: 'what changes, look-ups, keep-alives and an idle daemon cost, by the number of shards',
  isLong: true,
  options: {
    shards: { short: '16,64', full: '16,64,256', about: 'numbers of shards; the first is the reference' },
    rounds: { short: 2, full: 5, about: 'how often each is measured, in alternation' },
    users: { short: 20_000, full: 100_000, about: 'users, each of whom logs in and out a round' },
    'keep-alives': { short: 500, full: 2_000, about: 'keep-alives a round' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const users = Number(settings.users);
      const setups: Setup[] = [];
      for (const count of settings.shards.split(',').map(Number)) setups.push(await start(place, count));
      const rounds = setups.map((): Round[] => []);
      for (const setup of setups) await measure(setup, users, Number(settings['keep-alives']));
      for (let i = 1; i <= Number(settings.rounds); i++) {
        say(`shards: round ${i} of ${settings.rounds}`);
        for (const [at, setup] of setups.entries()) {
          rounds[at]?.push(await measure(setup, users, Number(settings['keep-alives'])));
        }
      }
      return setups.flatMap((setup, at) =>
        rowsOf(setup, rounds[at] as Round[], setups[0] as Setup, rounds[0] as Round[]),
      );
    }),
});

async function start(place: LogPosition, count: number): Promise<Setup> {
  const redis = await place.redis();
  const daemon = await place.daemon({ redis: redis.url, flags: ['--shards', `${count}`] });
  const client = new RawClient(daemon.addr);
  place.atEnd(async () => client.close());
  return { shards: count, redis, daemon, client };
}

async function measure({ redis, daemon, client }: Setup, users: number, keepAlives: number): Promise<Round> {
  const population = populationOf(users);
  const cost = async (operations: number, work: () => Promise<unknown>): Promise<Measure> => {
    const { cpu } = await costOf([[daemon.pid], [redis.pid]], work);
    return { daemon: (cpu[0] as number) / operations, redis: (cpu[1] as number) / operations };
  };
  const send = (messages: Iterable<Buffer>) =>
    client.send(PATH.apply, { messages, onAnswer: checkAnswers() });
  const logins = [...batchesOf(users, (i) => ({ online: loginOf(population, i) }))];
  const logouts = [...batchesOf(users, (i) => ({ offline: logoutOf(i) }))];
  const requests = Array.from({ length: Math.ceil(users / USERS_A_BATCH) }, () =>
    write.batchGetUsers({
      userIds: Array.from({ length: USERS_A_BATCH }, () => userId(Math.floor(Math.random() * users))),
    }),
  );
  const keepAlive = write.keepServerAlive({ serverAddr: '10.1.0.1:9000', incarnation: 1 });
  const left = requests.values();
  const ask = async () => {
    for (const request of left) await client.call(PATH.batchGetUsers, request);
  };
  return {
    change: await cost(2 * users, async () => {
      await send(logins);
      await send(logouts);
    }),
    'look-up': await cost(requests.length * USERS_A_BATCH, () =>
      Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, ask)),
    ),
    'keep-alive': await cost(keepAlives, () =>
      client.send(PATH.keepServerAlive, {
        messages: Array.from({ length: keepAlives }, () => keepAlive),
        streams: KEEP_ALIVES_AT_ONCE,
        inFlight: 1,
      }),
    ),
    'second without calls': await cost(IDLE_MS / 1_000, () => delay(IDLE_MS)),
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
        reference: { name: `with ${first.shards}`, values: micros(ofFirst, kind, figure) },
      }),
    ),
  );
}
