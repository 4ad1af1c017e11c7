// Latency of GetUser while the sweep ends all sessions of a failed chat server, compared with the latency
// before. Calls are sent at a fixed rate, without waiting for responses. A round logs in, measures the idle
// latency, kills the chat server, measures from the loss of its lease until the counters are 0, and measures
// again while the records are removed.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { Environment } from '../environment.ts';
import { quantile } from '../figures.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { type ChatServer, launchChatServer } from '../processes.ts';
import { SHARDS } from '../redisLoad.ts';

const POLL_MS = 20;
/**
 * Bounds of the p99 relative to the idle p99, and of the time from the end of the lease until all ends are
 * recorded.
 */
const GOAL = { ratio: 3, afterLeaseMs: 5_000 };

/** One completed GetUser. Times are in milliseconds since 1970. */
interface Sample {
  server: ChatServer;
  sentAt: number;
  receivedAt: number;
  tookMs: number;
  online: boolean;
}

const PHASES = ['idle', 'ending', 'removing'] as const;
type Phase = (typeof PHASES)[number];

/** The latencies of GetUser by phase, and how long the sessions lasted. Milliseconds. */
interface Round extends Record<Phase, number[]> {
  /** From the end of the lease until the last response that showed one of its sessions online. */
  offlineAfterMs: number;
  /** From the end of the lease until the counters were 0. */
  countedAfterMs: number;
}

/** The environment of a round. */
interface RoundSetup {
  client: Client;
  redis: Redis;
  /** Number of chat servers with leases, including the one that fails. */
  servers: number;
  idleMs: number;
  retentionMs: number;
}

/** See the part's `about`. */
export const sweep = definePart({
  name: 'sweep',
  about: 'what readers notice while the sessions of a failed chat server end',
  isLong: true,
  options: {
    sessions: { short: 10_000, full: 100_000, about: 'sessions of the chat server that fails' },
    'servers-alive': { short: 2, full: 4, about: 'other chat servers, with a tenth of its sessions each' },
    rounds: { short: 1, full: 3, about: 'number of failures, one after the other' },
    rate: { short: 500, full: 500, about: 'GetUser calls per second' },
    'idle-seconds': { short: 5, full: 10, about: 'duration of the idle phase' },
    'lease-seconds': { short: 10, full: 10, about: 'duration of the leases' },
    'retention-seconds': { short: 10, full: 20, about: '--retention of the daemon' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const [sessions, rounds, rate] = [
        Number(settings.sessions),
        Number(settings.rounds),
        Number(settings.rate),
      ];
      const [leaseMs, retentionMs] = [
        seconds(settings['lease-seconds']),
        seconds(settings['retention-seconds']),
      ];
      const redis = await environment.redis();
      const daemon = await environment.daemon({
        redis: redis.url,
        flags: ['--retention', `${retentionMs}ms`],
      });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      environment.defer(() => client.close());
      const start = async (addr: string, count: number) => {
        const server = await launchChatServer(daemon.addr, { addr, sessions: count, leaseMs });
        environment.defer(async () => void server.process.kill('SIGKILL'));
        return server;
      };
      const alive: ChatServer[] = [];
      for (let i = 0; i < Number(settings['servers-alive']); i++) {
        alive.push(await start(`alive-${i}:9000`, Math.ceil(sessions / 10)));
      }
      const setup = {
        client,
        redis: redis.admin,
        servers: alive.length + 1,
        idleMs: seconds(settings['idle-seconds']),
        retentionMs,
      };
      const measured: Round[] = [];
      for (let round = 1; round <= rounds; round++) {
        logProgress(`sweep: round ${round} of ${rounds}: logging in`);
        const dead = await start(`dead-${round}:9000`, sessions);
        const load = startLoad(client, rate, [dead, ...alive]);
        measured.push(await measure(setup, dead, load).finally(() => load.stop()));
        if (load.failures.length > 0) throw load.failures[0];
        if (load.samples.some(({ server, online }) => server !== dead && !online)) {
          throw new Error('a session of a running chat server was offline');
        }
      }
      return rowsOf(measured);
    }),
});

function seconds(text: string): number {
  return Number(text) * 1_000;
}

async function measure(
  setup: RoundSetup,
  dead: ChatServer,
  load: ReturnType<typeof startLoad>,
): Promise<Round> {
  const { client, redis, servers, idleMs, retentionMs } = setup;
  await delay(1_000);
  const idleFrom = Date.now();
  await delay(idleMs);
  const idle = load.between(idleFrom, Date.now());

  dead.process.kill('SIGKILL');
  const leaseEnd = await leaseEndOf(client, dead.addr);
  await delay(leaseEnd - Date.now());
  const zeroAt = await pollUntil(
    async () => (await client.getStats()).devicesByServer[dead.addr] === undefined,
  );
  const ofDead = load.samples.filter(({ server, receivedAt }) => server === dead && receivedAt > leaseEnd);
  const lostAt = Math.min(...ofDead.filter(({ online }) => !online).map(({ receivedAt }) => receivedAt));
  const lastOnlineAt = Math.max(
    leaseEnd,
    ...ofDead.filter(({ online }) => online).map(({ receivedAt }) => receivedAt),
  );
  const ending = load.between(lostAt, zeroAt);
  await verify(client, dead);

  const removalStart = lostAt + retentionMs;
  await delay(removalStart - Date.now());
  const removalEnd = await pollUntil(async () => (await countDeadlines(redis)) <= SHARDS * servers);
  const removing = load.between(removalStart, removalEnd);
  const [offlineAfterMs, countedAfterMs] = [lastOnlineAt - leaseEnd, zeroAt - leaseEnd];
  return { idle, ending, removing, offlineAfterMs, countedAfterMs };
}

/** Queries users at a fixed rate, half of them on the first chat server. */
function startLoad(caller: Client, rate: number, servers: ChatServer[]) {
  const samples: Sample[] = [];
  const failures: unknown[] = [];
  const pending = new Set<Promise<void>>();
  const [first, ...others] = servers as [ChatServer, ...ChatServer[]];
  const startedAt = performance.now();
  let sent = 0;
  const send = async () => {
    const server = sent % 2 === 0 || others.length === 0 ? first : pick(others);
    const [sentAt, from] = [Date.now(), performance.now()];
    const { online } = await caller.getUser({ userId: pick(server.users) });
    samples.push({ server, sentAt, receivedAt: Date.now(), tookMs: performance.now() - from, online });
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) * rate) / 1_000;
    for (; sent < due; sent++) {
      const call = send().catch((error) => void failures.push(error));
      pending.add(call);
      void call.finally(() => pending.delete(call));
    }
  }, 1);
  return {
    samples,
    failures,
    /** The latencies of the calls that were sent in this interval. */
    between: (from: number, until: number) =>
      samples.filter(({ sentAt }) => sentAt >= from && sentAt <= until).map(({ tookMs }) => tookMs),
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
    },
  };
}

async function leaseEndOf(client: Client, addr: string): Promise<number> {
  const { servers } = await client.listServers();
  const end = servers.find(({ serverAddr }) => serverAddr === addr)?.lease?.expireTime;
  if (end === undefined) throw new Error(`${addr} has no lease`);
  return end.getTime();
}

/** Checks that no session of the chat server is online to any reader after the counters are 0. */
async function verify(client: Client, { addr, users }: ChatServer): Promise<void> {
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const page = await client.listSessions({ serverAddr: addr, pageToken });
    if (page.sessions.length > 0) throw new Error(`a session of ${addr} is still listed`);
    pageToken = page.nextPageToken;
  }
  const { devices } = await client.getUser({ userId: pick(users) });
  if (devices[0]?.reason !== 'SERVER_LOST')
    throw new Error(`a session of ${addr} ended with ${devices[0]?.reason}`);
}

async function countDeadlines(redis: Redis): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: SHARDS }, (_, shard) => redis.zcard(`im:{${shard}}:x`)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Resolves with the time at which `probe` returned true. */
async function pollUntil(probe: () => Promise<boolean>): Promise<number> {
  while (!(await probe())) await delay(POLL_MS);
  return Date.now();
}

function pick<T>(values: T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T;
}

function rowsOf(rounds: Round[]): Row[] {
  const of = (phase: Phase, share: number) => rounds.map((round) => quantile(round[phase], share));
  const comparedWithIdle = (phase: Phase, share: number) => ({
    unit: 'ms',
    values: of(phase, share),
    reference: { name: 'before', values: of('idle', share) },
  });
  return [
    makeRow({ row: 'GetUser while sessions end, p50', ...comparedWithIdle('ending', 0.5) }),
    makeRow({
      row: 'GetUser while sessions end, p99',
      ...comparedWithIdle('ending', 0.99),
      goal: { figure: 'ratio', atMost: GOAL.ratio },
    }),
    makeRow({ row: 'GetUser while records are removed, p99', ...comparedWithIdle('removing', 0.99) }),
    makeRow({
      row: 'offline to readers after the end of the lease',
      unit: 'ms',
      values: rounds.map(({ offlineAfterMs }) => offlineAfterMs),
    }),
    makeRow({
      row: 'recorded after the end of the lease',
      unit: 'ms',
      values: rounds.map(({ countedAfterMs }) => countedAfterMs),
      goal: { figure: 'value', atMost: GOAL.afterLeaseMs },
    }),
  ];
}
