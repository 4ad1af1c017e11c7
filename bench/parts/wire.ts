// Bytes of a change and of a lookup on each connection: between client, daemon, Redis and a replica.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Environment, type MeasuredRedis } from '../environment.ts';
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
import { infoNumber } from '../redisLoad.ts';

const USERS = 20_000;
/** See the part's `about`. */
export const wire = definePart({
  name: 'wire',
  about: 'bytes of a change and of a lookup on each connection',
  options: {
    rounds: { short: 1, full: 3, about: 'rounds' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const redis = await environment.redis();
      const replica = await environment.redis('--replicaof', '127.0.0.1', `${redis.port}`);
      const daemon = await environment.daemon({ redis: redis.url });
      await waitForReplication(replica.admin);
      const client = new RawClient(daemon.addr);
      environment.defer(async () => client.close());
      const measured: Wires[] = [];
      for (let i = 1; i <= Number(settings.rounds); i++) {
        logProgress(`wire: round ${i} of ${settings.rounds}`);
        measured.push(await wires(redis, client));
      }
      return rowsOf(measured);
    }),
});

/** Bytes per operation on each connection. */
interface Wires {
  change: Traffic;
  lookup: Traffic;
}

interface Traffic {
  toDaemon: number;
  fromDaemon: number;
  toRedis: number;
  fromRedis: number;
  replicated: number;
}

async function waitForReplication(replica: Redis): Promise<void> {
  while (!(await replica.info('replication')).includes('master_link_status:up')) await delay(100);
}

/** All users log in, are looked up and log out. */
async function wires({ admin }: MeasuredRedis, client: RawClient): Promise<Wires> {
  const population = populationOf(USERS);
  const look = write.batchGetUsers({ userIds: Array.from({ length: 500 }, (_, i) => userId(i)) });
  let [sent, received] = [0, 0];
  const send = (messages: Buffer[]) =>
    client.send(PATH.apply, {
      messages,
      onResponse: (bytes) => {
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
    onResponse: checkResponses(),
  });
  const lookup = await count(50 * 500, async () => {
    for (let i = 0; i < 50; i++) received += (await client.call(PATH.batchGetUsers, look)).length;
    sent = 50 * look.length;
  });
  await send([...batchesOf(USERS, (i) => ({ offline: logoutOf(i) }))]);
  return { change, lookup };
}

async function traffic(redis: Redis): Promise<[number, number, number]> {
  return [
    await infoNumber(redis, 'stats', 'total_net_input_bytes'),
    await infoNumber(redis, 'stats', 'total_net_output_bytes'),
    await infoNumber(redis, 'replication', 'master_repl_offset'),
  ];
}

function rowsOf(measured: Wires[]): Row[] {
  const names: Record<keyof Traffic, string> = {
    toDaemon: 'client to daemon',
    fromDaemon: 'daemon to client',
    toRedis: 'daemon to Redis',
    fromRedis: 'Redis to daemon',
    replicated: 'Redis to a replica',
  };
  return (['change', 'lookup'] as const).flatMap((kind) =>
    (Object.keys(names) as (keyof Traffic)[]).map((wire) =>
      makeRow({
        row: `${kind === 'change' ? `change, batches of ${BATCH}` : 'lookup, batches of 500'}: ${names[wire]}`,
        unit: 'bytes',
        values: measured.map((each) => each[kind][wire]),
      }),
    ),
  );
}
