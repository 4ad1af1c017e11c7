// Ghost time: how long the sessions of a chat server stay online after a kill -9. Each chat server is a
// process, and is killed at a random moment between two keep-alives.
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { parseDuration } from '../../src/cli/flags/durations.ts';
import { shardOf } from '../../src/store/redis/shards.ts';
import { Environment } from '../environment.ts';
import { quantile } from '../figures.ts';
import { definePart, type Figures, logProgress, makeRow, type Row } from '../part.ts';
import { type ChatServer, launchChatServer } from '../processes.ts';
import { SHARDS } from '../redisLoad.ts';

const POLL_MS = 20;
/**
 * The bound in docs/presence.md in addition to the lease: half a second until the sweep, and as much for the
 * sweep.
 */
const SWEEP_MS = 1_000;

interface Crash {
  /** From the kill until no session was online to readers. Milliseconds. */
  offlineMs: number;
  /** From the kill until none was counted. Milliseconds. */
  countedMs: number;
}

/** How chat servers are started and killed. */
interface CrashSetup {
  client: Client;
  daemon: string;
  sessions: number;
  leaseMs: number;
  /** The running chat servers. */
  alive: Set<ChatServer>;
}

/** See the part's `about`. */
export const crashes = definePart({
  name: 'crashes',
  about: 'how long the sessions of a chat server stay online after kill -9',
  isLong: true,
  options: {
    crashes: { short: 8, full: 200, about: 'chat servers' },
    sessions: { short: 100, full: 1_000, about: 'sessions of each' },
    lease: { short: '1s', full: '1s', about: 'lease of each' },
    parallel: { short: 4, full: 4, about: 'concurrent crashes' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const leaseMs = parseDuration(settings.lease, '--lease', { min: 1_000, max: 3_600_000 });
      const redis = await environment.redis();
      const daemon = await environment.daemon({ redis: redis.url });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      environment.defer(() => client.close());
      const alive = new Set<ChatServer>();
      environment.defer(async () => {
        for (const { process: child } of alive) child.kill('SIGKILL');
      });
      const setup = { client, daemon: daemon.addr, sessions: Number(settings.sessions), leaseMs, alive };
      const found: Crash[] = [];
      const count = Number(settings.crashes);
      const numbers = Array.from({ length: count }, (_, i) => i).values();
      const crashSequentially = async () => {
        for (const number of numbers) {
          found.push(await crash(setup, `10.0.0.${number}:9000`));
          logProgress(`crashes: ${found.length} of ${count}: ${JSON.stringify(found.at(-1))}`);
        }
      };
      await Promise.all(Array.from({ length: Number(settings.parallel) }, crashSequentially));
      const { servers } = await client.listServers();
      if (servers.length > 0) throw new Error(`${servers.length} chat servers are still listed`);
      return rowsOf(found, leaseMs);
    }),
});

async function crash({ client, daemon, sessions, leaseMs, alive }: CrashSetup, addr: string): Promise<Crash> {
  const server = await launchChatServer(daemon, { addr, sessions, leaseMs });
  alive.add(server);
  await delay((Math.random() * leaseMs) / 3);
  if ((await countOf(client, addr)) !== sessions)
    throw new Error(`${addr} has lost sessions before the crash`);
  const exited = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGKILL');
  const killedAt = performance.now();
  await exited;
  alive.delete(server);
  const [offlineAt, countedAt] = await Promise.all([
    pollUntil(() => isOffline(client, server)),
    pollUntil(async () => (await countOf(client, addr)) === 0),
  ]);
  return { offlineMs: offlineAt - killedAt, countedMs: countedAt - killedAt };
}

/**
 * Queries one user per shard, because a shard loses a lease as a whole. If all are offline, checks the
 * listing.
 */
async function isOffline(client: Client, { addr, users }: ChatServer): Promise<boolean> {
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

async function countOf(client: Client, addr: string): Promise<number> {
  return (await client.getStats()).devicesByServer[addr] ?? 0;
}

/** Resolves with the time at which `probe` returned true. */
async function pollUntil(probe: () => Promise<boolean>): Promise<number> {
  while (!(await probe())) await delay(POLL_MS);
  return performance.now();
}

function rowsOf(found: Crash[], leaseMs: number): Row[] {
  const bound = leaseMs + SWEEP_MS;
  const row = (what: string, times: number[], share: number, goal: Pick<Figures, 'goal'> = {}) =>
    makeRow({
      row: `${what}, ${share === 1 ? 'max' : `p${share * 100}`}`,
      unit: 'ms',
      values: [quantile(times, share)],
      reference: { name: 'lease plus 1 s', values: [bound] },
      ...goal,
    });
  const offline = found.map(({ offlineMs }) => offlineMs);
  const counted = found.map(({ countedMs }) => countedMs);
  return [
    row('online to readers', offline, 0.5),
    row('online to readers', offline, 0.99),
    row('online to readers', offline, 1, { goal: { figure: 'ratio', atMost: 1 } }),
    row('counted by GetStats', counted, 0.5),
    row('counted by GetStats', counted, 0.99),
    row('counted by GetStats', counted, 1),
  ];
}
