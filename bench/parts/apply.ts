// Changes by Apply in batches of 256, compared with unary calls, and their cost in Redis, compared with
// redis-benchmark.
import { measureCpu } from '../cpu.ts';
import { Environment } from '../environment.ts';
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
import { COMMANDS, cpuOfCommand } from '../redisLoad.ts';
import { sendUnary } from '../unaryLoad.ts';

const SENDERS = 4;

/** The costs per change in one round. CPU times in seconds. */
interface Round {
  /** A login of an offline device, a second login that replaces it, and the logout. */
  first: Change;
  replacing: Change;
  logout: Change;
  unary: Change;
  /** CPU time of Redis per command of redis-benchmark. */
  set: number;
  expire: number;
}

interface Change {
  wall: number;
  daemon: number;
  redis: number;
}

/** See the part's `about`. */
export const apply = definePart({
  name: 'apply',
  about: `changes by Apply in batches of ${BATCH}, compared with unary calls, and their cost in Redis`,
  options: {
    rounds: { short: 3, full: 9, about: 'rounds, alternating' },
    users: { short: 50_000, full: 100_000, about: 'users; each logs in twice and out once per round' },
    requests: { short: 8_000, full: 16_000, about: 'unary calls per round' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const [rounds, calls] = [Number(settings.rounds), Number(settings.requests)];
      const population = populationOf(Number(settings.users));
      const redis = await environment.redis();
      const daemon = await environment.daemon({ redis: redis.url });
      const client = new RawClient(daemon.addr);
      environment.defer(async () => client.close());
      const logins = [...batchesOf(population.users, (i) => ({ online: loginOf(population, i) }))];
      const logouts = [...batchesOf(population.users, (i) => ({ offline: logoutOf(i) }))];

      const cost = async (changes: number, work: () => Promise<unknown>): Promise<Change> => {
        const { seconds, cpu } = await measureCpu([[daemon.pid], [redis.pid]], work);
        const [ofDaemon, ofRedis] = cpu.map((each) => each / changes) as [number, number];
        return { wall: seconds / changes, daemon: ofDaemon, redis: ofRedis };
      };
      const send = (messages: Buffer[]) =>
        cost(population.users, () => client.send(PATH.apply, { messages, onResponse: checkResponses() }));
      const callUnary = () =>
        cost(calls, () =>
          sendUnary({
            addr: daemon.addr,
            path: PATH.online,
            calls,
            directory: environment.directory,
            requests: Array.from({ length: SENDERS }, (_, i) =>
              write.online(loginOf(population, i, { userId: `unary-${userId(i)}` })),
            ),
          }),
        );
      const round = async (): Promise<Round> => ({
        unary: await callUnary(),
        first: await send(logins),
        replacing: await send(logins),
        logout: await send(logouts),
        set: await cpuOfCommand(redis, COMMANDS.set, population.users),
        expire: await cpuOfCommand(redis, COMMANDS.expire, population.users),
      });
      logProgress('apply: warming up');
      for (let i = 0; i < 2; i++) await round();
      const measured: Round[] = [];
      for (let i = 1; i <= rounds; i++) {
        logProgress(`apply: round ${i} of ${rounds}`);
        measured.push(await round());
      }
      return rowsOf(measured);
    }),
});

function rowsOf(rounds: Round[]): Row[] {
  const rate = (of: (round: Round) => number) => rounds.map((round) => 1 / of(round));
  const micros = (of: (round: Round) => number) => rounds.map((round) => of(round) * 1e6);
  /** The mean of a first login and a logout. */
  const inTurn = (figure: keyof Change) => (round: Round) => (round.first[figure] + round.logout[figure]) / 2;
  const unary = (figure: keyof Change) => ({
    name: 'unary Online',
    values: rate((round) => round.unary[figure]),
  });
  const [wall, cpu, ofRedis] = ['changes/s', 'changes/CPU s of the daemon', 'µs CPU of Redis/change'];
  const [turn, replacing] = ['logins and logouts', 'replacing logins'];
  const rows: Row[] = [
    makeRow({
      row: replacing,
      unit: cpu,
      values: rate((round) => round.replacing.daemon),
      reference: unary('daemon'),
      goal: { figure: 'ratio', atLeast: 10 },
    }),
    makeRow({
      row: turn,
      unit: cpu,
      values: rate(inTurn('daemon')),
      reference: unary('daemon'),
      goal: { figure: 'ratio', atLeast: 10 },
    }),
    makeRow({ row: turn, unit: wall, values: rate(inTurn('wall')), reference: unary('wall') }),
    makeRow({
      row: turn,
      unit: ofRedis,
      values: micros(inTurn('redis')),
      reference: { name: 'redis-benchmark -P 16 HSET', values: micros(({ set }) => set) },
    }),
    makeRow({
      row: turn,
      unit: ofRedis,
      values: micros(inTurn('redis')),
      reference: {
        name: 'redis-benchmark -P 16, legacy HSET and EXPIRE',
        values: micros(({ set, expire }) => set + expire),
      },
    }),
  ];
  for (const [row, kind] of [
    ['first login', 'first'],
    [replacing, 'replacing'],
    ['logout', 'logout'],
  ] as const) {
    const unaryMicros = (figure: keyof Change) => ({
      name: 'unary Online',
      values: micros((round) => round.unary[figure]),
    });
    rows.push(
      makeRow({
        row,
        unit: 'µs CPU of the daemon/change',
        values: micros((round) => round[kind].daemon),
        reference: unaryMicros('daemon'),
      }),
      makeRow({
        row,
        unit: ofRedis,
        values: micros((round) => round[kind].redis),
        reference: unaryMicros('redis'),
      }),
    );
  }
  return rows;
}
