// How long script calls take for a user with the maximum number of devices (--max-devices). All other calls
// on the same Redis wait for each of them.
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { OnlineRequest } from '../../packages/client/src/generated/imstate/v1/OnlineRequest.ts';
import type { Operation } from '../../packages/client/src/generated/imstate/v1/Operation.ts';
import { loginPolicies } from '../../packages/client/src/wire/enums.ts';
import { Environment } from '../environment.ts';
import { quantile } from '../figures.ts';
import { BATCH, PATH, read, serverAddrOf, write } from '../messages.ts';
import { definePart, type Figures, logProgress, makeRow, type Row } from '../part.ts';
import { RawClient } from '../rawClient.ts';

/** The goal in docs/limits.md. Milliseconds. */
const MAX_SCRIPT_MS = 5;
const USER = 'user with many devices';
const SERVER = { serverAddr: serverAddrOf(0), incarnation: 1 };
const RESOURCE_EXHAUSTED = 8;
/** Makes Redis log the duration of every command. */
const SLOWLOG = ['--slowlog-log-slower-than', '0', '--slowlog-max-len', '1000000'];

/** Durations of the script calls by kind of operation. Milliseconds. */
type Round = Record<string, number[]>;

/** See the part's `about`. */
export const devices = definePart({
  name: 'devices',
  about: 'duration of script calls for a user with the maximum number of devices',
  options: {
    rounds: { short: 2, full: 5, about: 'rounds' },
    devices: { short: 1_000, full: 1_000, about: 'devices of the user, and --max-devices' },
    operations: { short: 500, full: 2_000, about: 'operations per kind and round' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const count = Number(settings.devices);
      const redis = await environment.redis(...SLOWLOG);
      const flags = ['--max-devices', settings.devices, '--shards', '1'];
      const daemon = await environment.daemon({ redis: redis.url, flags });
      const client = new RawClient(daemon.addr);
      environment.defer(async () => client.close());
      const rounds: Round[] = [];
      for (let i = 1; i <= Number(settings.rounds); i++) {
        logProgress(`devices: round ${i} of ${settings.rounds}`);
        rounds.push(await measure(client, redis.admin, count, Number(settings.operations)));
      }
      return Object.keys(rounds[0] as Round).flatMap((kind) => rowsOf(kind, rounds, count));
    }),
});

async function measure(client: RawClient, redis: Redis, count: number, operations: number): Promise<Round> {
  await client.send(PATH.keepServerAlive, {
    messages: [write.keepServerAlive({ ...SERVER, timeToLive: { seconds: 3_600 } })],
    streams: 1,
    inFlight: 1,
  });
  const timed = async (all: Operation[], isExpected: (code: number | undefined) => boolean) => {
    await redis.slowlog('RESET');
    await apply(client, all, isExpected);
    return scriptTimes(redis);
  };
  const replacing = { loginPolicy: loginPolicies.toWire('REPLACE_ALL') };
  const fill = () =>
    timed(
      times(count, (i) => loginOf(`d${i}`, i === 0 ? replacing : {})),
      (code) => code === undefined,
    );
  const succeeds = (code: number | undefined) => code === undefined;
  const logins = await fill();
  const reads = times(operations, () => ({ getUser: { userId: USER } }));
  const rejected = times(operations, (i) => loginOf(`further ${i}`));
  const all = loginOf('the only one', replacing);
  return {
    'logins up to the limit': logins,
    // Reads beyond the maximum size of a response fail.
    reads: await timed(reads, () => true),
    'logins beyond the limit': await timed(rejected, (code) => code === RESOURCE_EXHAUSTED),
    'a login that replaces all': await timed([all], succeeds),
    'logins that make room': await timed(
      times(operations, (i) => loginOf(`new ${randomUUID()} ${i}`)).flatMap((login) => [
        login,
        logoutOf(login),
      ]),
      succeeds,
    ),
  };
}

/** A login of a session with a lease, because checking such a session takes longest. */
function loginOf(deviceId: string, more: OnlineRequest = {}): { online: OnlineRequest } {
  const { serverAddr, incarnation: serverIncarnation } = SERVER;
  const session = { userId: USER, deviceId, serverAddr, serverIncarnation, platform: 'ios' };
  return { online: { ...session, sessionId: randomUUID(), ...more } };
}

function logoutOf({ online: { deviceId } }: { online: OnlineRequest }): Operation {
  return { offline: { userId: USER, deviceId: deviceId ?? '' } };
}

async function apply(
  client: RawClient,
  operations: Operation[],
  isExpected: (code: number | undefined) => boolean,
): Promise<void> {
  const batches = times(Math.ceil(operations.length / BATCH), (i) =>
    write.apply({ operations: operations.slice(i * BATCH, (i + 1) * BATCH) }),
  );
  const onResponse = (bytes: Buffer) => {
    const failed = read.apply(bytes).results.find(({ error }) => !isExpected(error?.code));
    if (failed) throw new Error(`Apply failed: ${JSON.stringify(failed)}`);
  };
  // One at a time: while Redis runs a script, the machine does nothing else.
  await client.send(PATH.apply, { messages: batches, streams: 1, inFlight: 1, onResponse });
}

/** Durations of the calls of the script with the highest total time. Milliseconds. */
async function scriptTimes(redis: Redis): Promise<number[]> {
  const log = (await redis.slowlog('GET', -1)) as [unknown, unknown, micros: number, args: string[]][];
  const byScript = new Map<string, number[]>();
  for (const [, , micros, [command = '', sha = '']] of log) {
    if (command.toLowerCase() === 'evalsha')
      byScript.set(sha, [...(byScript.get(sha) ?? []), micros / 1_000]);
  }
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return [...byScript.values()].sort((a, b) => sum(b) - sum(a))[0] ?? [];
}

function rowsOf(kind: string, rounds: Round[], count: number): Row[] {
  const row = (share: number, name: string, goal?: Figures['goal']) =>
    makeRow({
      row: `${kind}, ${count} devices`,
      unit: `ms of a script call, ${name}`,
      values: rounds.map((round) => quantile(round[kind] as number[], share)),
      ...(goal && { goal }),
    });
  return [row(0.5, 'median'), row(0.99, 'p99', { figure: 'value', atMost: MAX_SCRIPT_MS })];
}

function times<Item>(count: number, make: (i: number) => Item): Item[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
