// GetUser while the sweep ends all sessions of a chat server that died, beside GetUser before, in one run. The daemon runs on
// core 0, Redis on the others; the calls go out at a fixed rate, whether or not those before are answered.
// A round: log in, measure idle, kill the chat server, measure from the loss of its lease until the counters are 0, and again
// when the records of its sessions are forgotten.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { type Client, connect } from '../src/client/index.ts';
import { startRedis } from '../test/support/servers.ts';
import { quantile, spreadMs } from './figures.ts';
import { type ChatServer, launchChatServer, launchDaemon, otherCores, pin } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '100000' },
    'servers-alive': { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '500' },
    'idle-seconds': { type: 'string', default: '10' },
    'lease-seconds': { type: 'string', default: '10' },
    'retention-seconds': { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const SESSIONS = Number(options.sessions);
const SERVERS_ALIVE = Number(options['servers-alive']);
/** Sessions of each chat server that stays alive. */
const SESSIONS_ALIVE = Math.ceil(SESSIONS / 10);
const ROUNDS = Number(options.rounds);
const RATE = Number(options.rate);
const IDLE_MS = Number(options['idle-seconds']) * 1_000;
const LEASE_MS = Number(options['lease-seconds']) * 1_000;
const RETENTION_MS = Number(options['retention-seconds']) * 1_000;
const POLL_MS = 20;
/** What is to be reached: p99 at most this often the idle one, and all over this long after the lease. */
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

const folder = await mkdtemp(join(tmpdir(), 'imstate-bench-'));
const redis = await startRedis();
pin(redis.pid, otherCores());
const daemon = await launchDaemon(redis.url, folder, '--retention', `${RETENTION_MS}ms`);
const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
const admin = new Redis(redis.url);
const started: ChatServer[] = [];
try {
  for (let i = 0; i < SERVERS_ALIVE; i++) await start(`alive-${i}:9000`, SESSIONS_ALIVE);
  const alive = [...started];
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    say(`round ${round} of ${ROUNDS}: logging in`);
    const dead = await start(`dead-${round}:9000`, SESSIONS);
    const load = startLoad(client, [dead, ...alive]);
    rounds.push(await measure(dead, load).finally(() => load.stop()));
    if (load.failures.length > 0) throw load.failures[0];
    if (load.samples.some(({ server, online }) => server !== dead && !online)) {
      throw new Error('a session of a chat server that is alive was shown as offline');
    }
  }
  report(rounds);
} finally {
  for (const server of started) server.process.kill('SIGKILL');
  admin.disconnect();
  await client.close();
  daemon.process.kill('SIGTERM');
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

async function start(addr: string, sessions: number): Promise<ChatServer> {
  const server = await launchChatServer(daemon.addr, { addr, sessions, leaseMs: LEASE_MS });
  started.push(server);
  return server;
}

async function measure(dead: ChatServer, load: ReturnType<typeof startLoad>): Promise<Round> {
  await delay(1_000);
  const idleFrom = Date.now();
  await delay(IDLE_MS);
  const idle = load.between(idleFrom, Date.now());

  dead.process.kill('SIGKILL');
  const leaseEnd = await leaseEndOf(dead.addr);
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
  await verify(dead);

  const forgetFrom = lostAt + RETENTION_MS;
  await delay(forgetFrom - Date.now());
  const forgotten = await pollUntil(async () => (await countDeadlines()) <= 16 * (SERVERS_ALIVE + 1));
  const forgetting = load.between(forgetFrom, forgotten);
  const [offlineAfterMs, countedAfterMs] = [lastOnlineAt - leaseEnd, zeroAt - leaseEnd];
  return { idle, ending, forgetting, offlineAfterMs, countedAfterMs };
}

/** Asks for users of the chat servers at a fixed rate, half of them of the first one. */
function startLoad(caller: Client, servers: ChatServer[]) {
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
    const due = ((performance.now() - startedAt) * RATE) / 1_000;
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

async function leaseEndOf(addr: string): Promise<number> {
  const { servers } = await client.listServers();
  const end = servers.find(({ serverAddr }) => serverAddr === addr)?.lease?.expireTime;
  if (end === undefined) throw new Error(`${addr} keeps no lease`);
  return end.getTime();
}

/** After the counters are 0 no session of the chat server may be online to anyone. */
async function verify({ addr, users }: ChatServer): Promise<void> {
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const page = await client.listSessions({ serverAddr: addr, pageToken });
    if (page.sessions.length > 0) throw new Error(`a session of ${addr} is still listed`);
    pageToken = page.nextPageToken;
  }
  const { devices } = await client.getUser({ userId: pick(users) });
  if (devices[0]?.reason !== 'SERVER_LOST')
    throw new Error(`a session of ${addr} ended with ${devices[0]?.reason}`);
}

async function countDeadlines(): Promise<number> {
  const counts = await Promise.all(Array.from({ length: 16 }, (_, shard) => admin.zcard(`im:{${shard}}:x`)));
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

function report(rounds: Round[]): void {
  const pooled = (phase: Phase) => rounds.flatMap((round) => round[phase]);
  const idle = quantile(pooled('idle'), 0.99);
  const ratio = quantile(pooled('ending'), 0.99) / idle;
  const ratioForgetting = quantile(pooled('forgetting'), 0.99) / idle;
  const offlineAfterMs = Math.max(...rounds.map((round) => round.offlineAfterMs));
  const countedAfterMs = Math.max(...rounds.map((round) => round.countedAfterMs));
  const rows = [
    ...rounds.flatMap((round, i) => PHASES.map((phase) => rowOf(`${i + 1}`, phase, round[phase]))),
    ...PHASES.map((phase) => rowOf('all', phase, pooled(phase))),
  ];
  const environment = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
  if (options.json) {
    const figures = { ratio, ratioForgetting, offlineAfterMs, countedAfterMs, goal: GOAL, rows };
    console.log(JSON.stringify({ ...environment, options, ...figures }, null, 2));
  } else {
    console.log(
      `Node.js ${environment.node}, ${environment.cores} cores (${environment.cpu}): GetUser ${RATE} times a second ` +
        `while ${SESSIONS} sessions of one chat server end, ${SERVERS_ALIVE * SESSIONS_ALIVE} of ${SERVERS_ALIVE} others stay`,
    );
    console.table(rows);
    console.log(`p99 while they end: ${ratio.toFixed(2)} times idle (goal: at most ${GOAL.ratio})`);
    console.log(`p99 while their records are forgotten: ${ratioForgetting.toFixed(2)} times idle`);
    console.log(
      `after the lease's end, in the worst round: offline to readers in ${offlineAfterMs} ms, ` +
        `counted 0 in ${countedAfterMs} ms (goal: ${GOAL.afterLeaseMs} ms)`,
    );
  }
  if (ratio > GOAL.ratio || countedAfterMs > GOAL.afterLeaseMs) process.exitCode = 1;
}

function rowOf(round: string, phase: Phase, tookMs: number[]) {
  return { round, phase, calls: tookMs.length, ...spreadMs(tookMs) };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
