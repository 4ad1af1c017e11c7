// GetUser while the sweep ends all sessions of a chat server that died, beside GetUser before, in one run. The daemon runs on
// core 0, Redis on the others; the calls go out at a fixed rate, whether or not those before are answered.
// A round: log in, measure idle, kill the chat server, measure from the loss of its lease until the counters are 0, and again
// when the records of its sessions are forgotten.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { quantile } from '../figures.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition } from '../place.ts';
import { type ChatServer, launchChatServer } from '../processes.ts';
import { SHARDS } from '../redisLoad.ts';

const POLL_MS = 20;
/** p99 at most this often the one before, and all over this long after the lease. */
const GOAL = { ratio: 3, afterLeaseMs: 5_000 };

/** One answered GetUser. Times in milliseconds since 1970. */
interface Sample {
  server: ChatServer;
  sentAt: number;
  answeredAt: number;
  tookMs: number;
  online: boolean;
}

const PHASES = ['idle', 'ending', 'forgetting'] as const;
type Phase = (typeof PHASES)[number];

/** How long each GetUser of a phase took, in milliseconds, and what became of the sessions. */
interface Round extends Record<Phase, number[]> {
  /** From the end of the lease until the last answer that showed a session of it online. */
  offlineAfterMs: number;
  /** From the end of the lease until the counters were 0. */
  countedAfterMs: number;
}

/** What a round works with. */
interface World {
  client: Client;
  redis: Redis;
  /** How many chat servers keep leases, with the one that dies. */
  servers: number;
  idleMs: number;
  retentionMs: number;
}

/** See the part's `about`. */
export const sweep = definePart({
  name: 'sweep',
  about: 'what readers notice while the sessions of a chat server that died are ended',
  isLong: true,
  options: {
    sessions: { short: 10_000, full: 100_000, about: 'sessions of the chat server that dies' },
    'servers-alive': { short: 2, full: 4, about: 'others, with a tenth of its sessions each' },
    rounds: { short: 1, full: 3, about: 'how many die, one after the other' },
    rate: { short: 500, full: 500, about: 'GetUser a second' },
    'idle-seconds': { short: 5, full: 10, about: 'how long it is measured before' },
    'lease-seconds': { short: 10, full: 10, about: 'lease of the chat servers' },
    'retention-seconds': { short: 10, full: 20, about: '--retention of the daemon' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const [sessions, rounds, rate] = [
        Number(settings.sessions),
        Number(settings.rounds),
        Number(settings.rate),
      ];
      const [leaseMs, retentionMs] = [
        seconds(settings['lease-seconds']),
        seconds(settings['retention-seconds']),
      ];
      const redis = await place.redis();
      const daemon = await place.daemon({ redis: redis.url, flags: ['--retention', `${retentionMs}ms`] });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      place.atEnd(() => client.close());
      const start = async (addr: string, count: number) => {
        const server = await launchChatServer(daemon.addr, { addr, sessions: count, leaseMs });
        place.atEnd(async () => void server.process.kill('SIGKILL'));
        return server;
      };
      const alive: ChatServer[] = [];
      for (let i = 0; i < Number(settings['servers-alive']); i++) {
        alive.push(await start(`alive-${i}:9000`, Math.ceil(sessions / 10)));
      }
      const world = {
        client,
        redis: redis.admin,
        servers: alive.length + 1,
        idleMs: seconds(settings['idle-seconds']),
        retentionMs,
      };
      const measured: Round[] = [];
      for (let round = 1; round <= rounds; round++) {
        say(`sweep: round ${round} of ${rounds}: logging in`);
        const dead = await start(`dead-${round}:9000`, sessions);
        const load = startLoad(client, rate, [dead, ...alive]);
        measured.push(await measure(world, dead, load).finally(() => load.stop()));
        if (load.failures.length > 0) throw load.failures[0];
        if (load.samples.some(({ server, online }) => server !== dead && !online)) {
          throw new Error('a session of a chat server that is alive was shown as offline');
        }
      }
      return rowsOf(measured);
    }),
});

function seconds(text: string): number {
  return Number(text) * 1_000;
}

async function measure(world: World, dead: ChatServer, load: ReturnType<typeof startLoad>): Promise<Round> {
  const { client, redis, servers, idleMs, retentionMs } = world;
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
  const ofDead = load.samples.filter(({ server, answeredAt }) => server === dead && answeredAt > leaseEnd);
  const lostAt = Math.min(...ofDead.filter(({ online }) => !online).map(({ answeredAt }) => answeredAt));
  const lastOnlineAt = Math.max(
    leaseEnd,
    ...ofDead.filter(({ online }) => online).map(({ answeredAt }) => answeredAt),
  );
  const ending = load.between(lostAt, zeroAt);
  await verify(client, dead);

  const forgetFrom = lostAt + retentionMs;
  await delay(forgetFrom - Date.now());
  const forgotten = await pollUntil(async () => (await countDeadlines(redis)) <= SHARDS * servers);
  const forgetting = load.between(forgetFrom, forgotten);
  const [offlineAfterMs, countedAfterMs] = [lastOnlineAt - leaseEnd, zeroAt - leaseEnd];
  return { idle, ending, forgetting, offlineAfterMs, countedAfterMs };
}

/** Asks for users of the chat servers at a fixed rate, half of them of the first one. */
function startLoad(caller: Client, rate: number, servers: ChatServer[]) {
  const samples: Sample[] = [];
  const failures: unknown[] = [];
  const pending = new Set<Promise<void>>();
  const [first, ...others] = servers as [ChatServer, ...ChatServer[]];
  const startedAt = performance.now();
  let sent = 0;
  const ask = async () => {
    const server = sent % 2 === 0 || others.length === 0 ? first : pick(others);
    const [sentAt, from] = [Date.now(), performance.now()];
    const { online } = await caller.getUser({ userId: pick(server.users) });
    samples.push({ server, sentAt, answeredAt: Date.now(), tookMs: performance.now() - from, online });
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) * rate) / 1_000;
    for (; sent < due; sent++) {
      const asked = ask().catch((error) => void failures.push(error));
      pending.add(asked);
      void asked.finally(() => pending.delete(asked));
    }
  }, 1);
  return {
    samples,
    failures,
    /** How long the calls took that were sent in this time. */
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
  if (end === undefined) throw new Error(`${addr} keeps no lease`);
  return end.getTime();
}

/** After the counters are 0 no session of the chat server may be online to anyone. */
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

/** Resolves with the time at which `probe` was true. */
async function pollUntil(probe: () => Promise<boolean>): Promise<number> {
  while (!(await probe())) await delay(POLL_MS);
  return Date.now();
}

function pick<T>(values: T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T;
}

function rowsOf(rounds: Round[]): Row[] {
  const of = (phase: Phase, share: number) => rounds.map((round) => quantile(round[phase], share));
  const besideIdle = (phase: Phase, share: number) => ({
    unit: 'ms',
    values: of(phase, share),
    reference: { name: 'before', values: of('idle', share) },
  });
  return [
    makeRow({ row: 'GetUser while sessions are ended, p50', ...besideIdle('ending', 0.5) }),
    makeRow({
      row: 'GetUser while sessions are ended, p99',
      ...besideIdle('ending', 0.99),
      goal: { figure: 'ratio', atMost: GOAL.ratio },
    }),
    makeRow({ row: 'GetUser while records are forgotten, p99', ...besideIdle('forgetting', 0.99) }),
    makeRow({
      row: 'offline to readers after the lease',
      unit: 'ms',
      values: rounds.map(({ offlineAfterMs }) => offlineAfterMs),
    }),
    makeRow({
      row: 'written down after the lease',
      unit: 'ms',
      values: rounds.map(({ countedAfterMs }) => countedAfterMs),
      goal: { figure: 'value', atMost: GOAL.afterLeaseMs },
    }),
  ];
}
