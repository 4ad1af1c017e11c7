// What a capacity plan is made of, beside CPU: bytes of a change on each wire, and what it costs to tell of one.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
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
import { type Measured, type MeasuredRedis, Place } from '../place.ts';
import { changeAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';
import { infoNumber } from '../redisLoad.ts';

const USERS = 20_000;
const SETTLE_MS = 1_500;
/** Watchers of one connection. */
const WATCHERS_A_CONNECTION = 25;

/** See the part's `about`. */
export const units = definePart({
  name: 'units',
  about: 'bytes of a change and a look-up on each wire, and the CPU of telling changes to watchers',
  options: {
    rounds: { short: 1, full: 5, about: 'how often each is measured' },
    rate: { short: 2_000, full: 2_000, about: 'changes a second while there are watchers' },
    seconds: { short: 3, full: 10, about: 'how long each number of watchers is measured' },
    watchers: { short: '1,50', full: '1,10,50', about: 'numbers of watchers of everything' },
  },
  run: (settings) =>
    Place.with(async (place) => {
      const redis = await place.redis();
      const replica = await place.redis('--replicaof', '127.0.0.1', `${redis.port}`);
      const daemon = await place.daemon({ redis: redis.url });
      await linkUp(replica.admin);
      const client = new RawClient(daemon.addr);
      place.atEnd(async () => client.close());
      const rows: Row[] = [];
      for (let i = 0; i < 3; i++) await wires(redis, client);
      const measured: Wires[] = [];
      for (let i = 1; i <= Number(settings.rounds); i++) {
        say(`units: wires, round ${i} of ${settings.rounds}`);
        measured.push(await wires(redis, client));
      }
      rows.push(...rowsOfWires(measured));
      const load = { rate: Number(settings.rate), seconds: Number(settings.seconds) };
      const counts = settings.watchers.split(',').map(Number);
      const told = counts.map((): Told[] => []);
      await tell({ daemon, redis, client }, 1, load);
      for (let i = 1; i <= Number(settings.rounds); i++) {
        const without = await tell({ daemon, redis, client }, 0, load);
        for (const [at, count] of counts.entries()) {
          say(`units: ${count} watchers, round ${i} of ${settings.rounds}`);
          told[at]?.push(beside(await tell({ daemon, redis, client }, count, load), without, count));
        }
      }
      return [...rows, ...counts.flatMap((count, at) => rowsOfTold(count, told[at] as Told[]))];
    }),
});

/** Bytes of each wire, an operation. */
interface Wires {
  change: Traffic;
  lookUp: Traffic;
}

interface Traffic {
  toDaemon: number;
  fromDaemon: number;
  toRedis: number;
  fromRedis: number;
  replicated: number;
}

async function linkUp(replica: Redis): Promise<void> {
  while (!(await replica.info('replication')).includes('master_link_status:up')) await delay(100);
}

/** Everybody logs in, is looked up and logs out. */
async function wires({ admin }: MeasuredRedis, client: RawClient): Promise<Wires> {
  const population = populationOf(USERS);
  const look = write.batchGetUsers({ userIds: Array.from({ length: 500 }, (_, i) => userId(i)) });
  let [sent, received] = [0, 0];
  const send = (messages: Buffer[]) =>
    client.send(PATH.apply, {
      messages,
      onAnswer: (bytes) => {
        received += bytes.length;
      },
    });
  const count = async (operations: number, work: () => Promise<unknown>): Promise<Traffic> => {
    [sent, received] = [0, 0];
    const before = await traffic(admin);
    await work();
    const after = await traffic(admin);
    const [toRedis, fromRedis, replicated] = after.map(
      (each, i) => (each - (before[i] as number)) / operations,
    ) as [number, number, number];
    return {
      toDaemon: sent / operations,
      fromDaemon: received / operations,
      toRedis,
      fromRedis: fromRedis - replicated,
      replicated,
    };
  };
  const change = await count(2 * USERS, async () => {
    const logins = [...batchesOf(USERS, (i) => ({ online: loginOf(population, i) }))];
    await send(logins);
    const logouts = [...batchesOf(USERS, (i) => ({ offline: logoutOf(i) }))];
    await send(logouts);
    sent = [...logins, ...logouts].reduce((sum, { length }) => sum + length, 0);
  });
  await client.send(PATH.apply, {
    messages: batchesOf(USERS, (i) => ({ online: loginOf(population, i) })),
    onAnswer: checkAnswers(),
  });
  const lookUp = await count(50 * 500, async () => {
    for (let i = 0; i < 50; i++) received += (await client.call(PATH.batchGetUsers, look)).length;
    sent = 50 * look.length;
  });
  await send([...batchesOf(USERS, (i) => ({ offline: logoutOf(i) }))]);
  return { change, lookUp };
}

async function traffic(redis: Redis): Promise<[number, number, number]> {
  return [
    await infoNumber(redis, 'stats', 'total_net_input_bytes'),
    await infoNumber(redis, 'stats', 'total_net_output_bytes'),
    await infoNumber(redis, 'replication', 'master_repl_offset'),
  ];
}

function rowsOfWires(measured: Wires[]): Row[] {
  const names: Record<keyof Traffic, string> = {
    toDaemon: 'caller to daemon',
    fromDaemon: 'daemon to caller',
    toRedis: 'daemon to Redis',
    fromRedis: 'Redis to daemon',
    replicated: 'Redis to a replica',
  };
  return (['change', 'lookUp'] as const).flatMap((kind) =>
    (Object.keys(names) as (keyof Traffic)[]).map((wire) =>
      makeRow({
        row: `${kind === 'change' ? `change, ${BATCH} a batch` : 'look-up, 500 a batch'}: ${names[wire]}`,
        ...{ unit: 'bytes', values: measured.map((each) => each[kind][wire]) },
      }),
    ),
  );
}

/** CPU seconds, and bytes that watchers got, a second of load or, beside those without watchers, a told change. */
interface Told {
  daemon: number;
  redis: number;
  bytes: number;
  changes: number;
}

interface Served {
  daemon: Measured;
  redis: MeasuredRedis;
  client: RawClient;
}

/** Makes changes at a rate, and has them told to so many watchers of everything. */
async function tell(
  { daemon, redis, client }: Served,
  watchers: number,
  load: { rate: number; seconds: number },
): Promise<Told> {
  const clients = Array.from(
    { length: Math.ceil(watchers / WATCHERS_A_CONNECTION) },
    () => new RawClient(daemon.addr),
  );
  let bytes = 0;
  const failures: Error[] = [];
  for (let i = 0; i < watchers; i++) {
    const stream = (clients[Math.floor(i / WATCHERS_A_CONNECTION)] as RawClient).stream(PATH.watch);
    stream.on('data', (message: Buffer) => {
      bytes += message.length;
    });
    stream.on('error', (error) => failures.push(error));
    stream.write(write.watch({ start: { everything: true } }));
  }
  await delay(SETTLE_MS);
  bytes = 0;
  const { cpu } = await costOf([[daemon.pid], [redis.pid]], () =>
    changeAtRate(client, { ...load, users: USERS }),
  );
  if (failures.length > 0) throw failures[0];
  for (const each of clients) each.close();
  await delay(SETTLE_MS / 3);
  return { daemon: cpu[0] as number, redis: cpu[1] as number, bytes, changes: load.rate * load.seconds };
}

function beside(told: Told, without: Told, watchers: number): Told {
  const count = told.changes * watchers;
  return {
    daemon: (told.daemon - without.daemon) / count,
    redis: (told.redis - without.redis) / told.changes,
    bytes: told.bytes / count,
    changes: told.changes,
  };
}

function rowsOfTold(watchers: number, told: Told[]): Row[] {
  const row = `told change, ${watchers} watcher${watchers > 1 ? 's' : ''} of everything`;
  return [
    makeRow({ row, unit: 'µs CPU of the daemon/told', values: told.map(({ daemon }) => daemon * 1e6) }),
    makeRow({ row, unit: 'µs CPU of Redis/change', values: told.map(({ redis }) => redis * 1e6) }),
    makeRow({ row, unit: 'bytes to a watcher', values: told.map(({ bytes }) => bytes) }),
  ];
}
