// What a session policy costs: the same logins without a policy and with one of three limits, none of which they
// exceed. Each replaces the session of one device of a user who has several online.
import { randomUUID } from 'node:crypto';
import { connect } from '../../packages/client/src/index.ts';
import { measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess, type MeasuredRedis } from '../environment.ts';
import {
  batchesOf,
  checkResponses,
  loginOf,
  PATH,
  type Population,
  populationOf,
  serverAddrOf,
  write,
} from '../messages.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { RawClient } from '../rawClient.ts';

const PLATFORMS = ['ios', 'android', 'web', 'windows', 'macos'];
/** Sessions belong to a lease, as those of a chat server do: checking them takes longest. */
const LEASE = { serverAddr: serverAddrOf(0), incarnation: 1 };
const POLICY = 'three-limits';
/** The goal in docs/policies.md. */
const MAX_RATIO = 1.3;
const IN_FLIGHT = 64;

interface Setup {
  redis: MeasuredRedis;
  daemon: MeasuredProcess;
  client: RawClient;
  population: Population;
  /** The number of devices of each user. */
  devices: number;
}

type Way = 'in batches' | 'one by one';
/** CPU microseconds per login. */
type Cost = Record<'daemon' | 'redis', number>;

/** See the part's `about`. */
export const policies = definePart({
  name: 'policies',
  about:
    'cost of a session policy: logins of users with several devices, without a policy and with three limits',
  options: {
    rounds: { short: 7, full: 21, about: 'rounds, alternating' },
    users: { short: 5_000, full: 5_000, about: 'users; one device of each logs in per round' },
    devices: { short: 5, full: 5, about: 'devices of each user' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const setup = await start(environment, Number(settings.users), Number(settings.devices));
      const rows: Row[] = [];
      for (const way of ['in batches', 'one by one'] as const) {
        const without: Cost[] = [];
        const withPolicy: Cost[] = [];
        await measure(setup, way, '');
        await measure(setup, way, POLICY);
        for (let i = 1; i <= Number(settings.rounds); i++) {
          logProgress(`policies: round ${i} of ${settings.rounds}, ${way}`);
          without.push(await measure(setup, way, ''));
          withPolicy.push(await measure(setup, way, POLICY));
        }
        rows.push(...rowsOf(`login with three limits, ${way}`, withPolicy, without));
      }
      return rows;
    }),
});

async function start(environment: Environment, users: number, devices: number): Promise<Setup> {
  const redis = await environment.redis();
  const daemon = await environment.daemon({ redis: redis.url });
  const client = new RawClient(daemon.addr);
  environment.defer(async () => client.close());
  const population = populationOf(users);
  const admin = await connect({ endpoints: [daemon.addr] });
  await admin.putPolicy({
    name: POLICY,
    classes: { mobile: ['ios', 'android'], desktop: ['windows', 'macos', 'linux'], web: ['web'] },
    limits: [
      { per: 'class', class: 'mobile', max: 2, onConflict: 'KICK_OLDEST' },
      { per: 'platform', max: 1, onConflict: 'KICK_OLDEST' },
      { per: 'user', max: devices, onConflict: 'REJECT' },
    ],
  });
  await admin.close();
  const setup = { redis, daemon, client, population, devices };
  await client.send(PATH.keepServerAlive, {
    messages: [write.keepServerAlive({ ...LEASE, timeToLive: { seconds: 3_600 } })],
    streams: 1,
    inFlight: 1,
  });
  for (let device = 0; device < devices; device++) await send(setup, 'in batches', device, '');
  return setup;
}

async function measure(setup: Setup, way: Way, policy: string): Promise<Cost> {
  const { daemon, redis, population } = setup;
  const { cpu } = await measureCpu([[daemon.pid], [redis.pid]], () => send(setup, way, 0, policy));
  const perLogin = (seconds: number | undefined) => ((seconds as number) * 1e6) / population.users;
  return { daemon: perLogin(cpu[0]), redis: perLogin(cpu[1]) };
}

/** Logs one device of each user in, with a new session. */
async function send({ client, population }: Setup, way: Way, device: number, policy: string): Promise<void> {
  const platform = PLATFORMS[device % PLATFORMS.length] as string;
  const requestOf = (i: number) =>
    loginOf(population, i, {
      deviceId: `device-${device}`,
      sessionId: randomUUID(),
      platform,
      policy,
      serverIncarnation: LEASE.incarnation,
    });
  if (way === 'in batches') {
    const messages = [...batchesOf(population.users, (i) => ({ online: requestOf(i) }))];
    await client.send(PATH.apply, { messages, onResponse: checkResponses() });
    return;
  }
  const requests = Array.from({ length: population.users }, (_, i) => write.online(requestOf(i))).values();
  const sendAll = async () => {
    for (const request of requests) await client.call(PATH.online, request);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sendAll));
}

function rowsOf(row: string, withPolicy: Cost[], without: Cost[]): Row[] {
  return (['redis', 'daemon'] as const).map((figure) =>
    makeRow({
      row,
      unit: `µs CPU of ${figure === 'redis' ? 'Redis' : 'the daemon'}`,
      values: withPolicy.map((cost) => cost[figure]),
      reference: { name: 'without a policy', values: without.map((cost) => cost[figure]) },
      ...(figure === 'redis' && { goal: { figure: 'ratio', atMost: MAX_RATIO } }),
    }),
  );
}
