// Ghost time: how long the sessions of a chat server are seen online after a kill -9. The chat servers are processes of their own, some
// at a time; each is killed at a random moment between two keep-alives.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseDuration } from '../src/cli/durations.ts';
import { connect } from '../src/client/index.ts';
import { shardOf } from '../src/store/redis/shards.ts';
import { startRedis } from '../test/support/servers.ts';
import { spreadMs } from './figures.ts';
import { type ChatServer, launchChatServer, launchDaemon } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    crashes: { type: 'string', default: '200' },
    sessions: { type: 'string', default: '1000' },
    lease: { type: 'string', default: '1s' },
    parallel: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const CRASHES = Number(options.crashes);
const SESSIONS = Number(options.sessions);
const PARALLEL = Number(options.parallel);
const LEASE_MS = parseDuration(options.lease, '--lease', { min: 1_000, max: 3_600_000 });
/** What docs/presence.md promises: half a second until the sweep, and as much for the sweep itself. */
const BOUND_MS = LEASE_MS + 1_000;
const SHARDS = 16;
const POLL_MS = 20;

interface Crash {
  /** From the kill until no session was online to readers. Milliseconds. */
  offlineMs: number;
  /** From the kill until none was counted. Milliseconds. */
  countedMs: number;
}

const folder = await mkdtemp(join(tmpdir(), 'imstate-bench-'));
const redis = await startRedis();
const daemon = await launchDaemon(redis.url, folder);
const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
const alive = new Set<ChatServer>();
try {
  const crashes: Crash[] = [];
  const numbers = Array.from({ length: CRASHES }, (_, i) => i).values();
  const crashSome = async () => {
    for (const number of numbers) {
      crashes.push(await crash(`10.0.0.${number}:9000`));
      process.stderr.write(`${crashes.length} of ${CRASHES}: ${JSON.stringify(crashes.at(-1))}\n`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, crashSome));
  const { servers } = await client.listServers();
  if (servers.length > 0) throw new Error(`${servers.length} chat servers are still counted`);
  report(crashes);
} finally {
  for (const { process: child } of alive) child.kill('SIGKILL');
  await client.close();
  daemon.process.kill('SIGTERM');
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

async function crash(addr: string): Promise<Crash> {
  const server = await launchChatServer(daemon.addr, { addr, sessions: SESSIONS, leaseMs: LEASE_MS });
  alive.add(server);
  await delay((Math.random() * LEASE_MS) / 3);
  if ((await countOf(addr)) !== SESSIONS) throw new Error(`${addr} does not have all its sessions`);
  const gone = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGKILL');
  const killedAt = performance.now();
  await gone;
  alive.delete(server);
  const [offlineAt, countedAt] = await Promise.all([
    pollUntil(() => isOffline(server)),
    pollUntil(async () => (await countOf(addr)) === 0),
  ]);
  return { offlineMs: offlineAt - killedAt, countedMs: countedAt - killedAt };
}

/** Asks for a user of each shard, which loses the lease as a whole; if all are offline, for whatever is listed. */
async function isOffline({ addr, users }: ChatServer): Promise<boolean> {
  const samples = new Map(users.map((userId) => [shardOf(userId, SHARDS), userId]));
  const states = await Promise.all([...samples.values()].map((userId) => client.getUser({ userId })));
  if (states.some(({ online }) => online)) return false;
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const page = await client.listSessions({ serverAddr: addr, pageSize: 1_000, pageToken });
    if (page.sessions.length > 0) return false;
    pageToken = page.nextPageToken;
  }
  return true;
}

async function countOf(addr: string): Promise<number> {
  return (await client.getStats()).devicesByServer[addr] ?? 0;
}

/** Resolves with the time at which an answer said so. */
async function pollUntil(probe: () => Promise<boolean>): Promise<number> {
  while (!(await probe())) await delay(POLL_MS);
  return performance.now();
}

function report(crashes: Crash[]): void {
  const rows = [
    { seen: 'online to readers', ...spreadMs(crashes.map(({ offlineMs }) => offlineMs)) },
    { seen: 'counted by GetStats', ...spreadMs(crashes.map(({ countedMs }) => countedMs)) },
  ];
  const worst = Math.max(...crashes.map(({ offlineMs }) => offlineMs));
  const environment = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
  if (options.json) {
    console.log(JSON.stringify({ ...environment, options, boundMs: BOUND_MS, rows }, null, 2));
  } else {
    console.log(
      `Node.js ${environment.node}, ${environment.cores} cores (${environment.cpu}): ${CRASHES} chat servers with ` +
        `${SESSIONS} sessions each and a lease of ${options.lease}, ${PARALLEL} at a time; from the kill -9`,
    );
    console.table(rows);
    console.log(`bound: lease + 1 s = ${BOUND_MS} ms; worst: ${worst.toFixed(2)} ms`);
  }
  if (worst > BOUND_MS) process.exitCode = 1;
}
