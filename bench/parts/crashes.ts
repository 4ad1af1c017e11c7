// Ghost time: how long the sessions of a chat server are seen online after a kill -9. The chat servers are processes of their own, some
// at a time; each is killed at a random moment between two keep-alives.
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { parseDuration } from '../../src/cli/flags/durations.ts';
import { shardOf } from '../../src/store/redis/shards.ts';
import { quantile } from '../figures.ts';
import { definePart, type Figures, makeRow, type Row, say } from '../part.ts';
import { LogPosition } from '../place.ts';
import { type ChatServer, launchChatServer } from '../processes.ts';
import { SHARDS } from '../redisLoad.ts';

const POLL_MS = 20;
/** What docs/presence.md promises beside the lease: half a second until the sweep, and as much for the sweep itself. */
const SWEEP_MS = 1_000;

interface Crash {
  /** From the kill until no session was online to readers. Milliseconds. */
  offlineMs: number;
  /** From the kill until none was counted. Milliseconds. */
  countedMs: number;
}

/** How chat servers die. */
interface Deaths {
  client: Client;
  daemon: string;
  sessions: number;
  leaseMs: number;
  /** Those that have not been killed. */
  alive: Set<ChatServer>;
}

/** See the part's `about`. */
export const crashes = definePart({
  name: 'crashes',
  about: 'how long the sessions of a chat server are seen after its kill -9',
  isLong: true,
  options: {
    crashes: { short: 8, full: 200, about: 'chat servers' },
    sessions: { short: 100, full: 1_000, about: 'sessions of each' },
    lease: { short: '1s', full: '1s', about: 'lease of each' },
    parallel: { short: 4, full: 4, about: 'how many at a time' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const leaseMs = parseDuration(settings.lease, '--lease', { min: 1_000, max: 3_600_000 });
      const redis = await place.redis();
      const daemon = await place.daemon({ redis: redis.url });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      place.atEnd(() => client.close());
      const alive = new Set<ChatServer>();
      place.atEnd(async () => {
        for (const { process: child } of alive) child.kill('SIGKILL');
      });
      const deaths = { client, daemon: daemon.addr, sessions: Number(settings.sessions), leaseMs, alive };
      const found: Crash[] = [];
      const count = Number(settings.crashes);
      const numbers = Array.from({ length: count }, (_, i) => i).values();
      const crashSome = async () => {
        for (const number of numbers) {
          found.push(await crash(deaths, `10.0.0.${number}:9000`));
          say(`crashes: ${found.length} of ${count}: ${JSON.stringify(found.at(-1))}`);
        }
      };
      await Promise.all(Array.from({ length: Number(settings.parallel) }, crashSome));
      const { servers } = await client.listServers();
      if (servers.length > 0) throw new Error(`${servers.length} chat servers are still counted`);
      return rowsOf(found, leaseMs);
    }),
});

async function crash({ client, daemon, sessions, leaseMs, alive }: Deaths, addr: string): Promise<Crash> {
  const server = await launchChatServer(daemon, { addr, sessions, leaseMs });
  alive.add(server);
  await delay((Math.random() * leaseMs) / 3);
  if ((await countOf(client, addr)) !== sessions) throw new Error(`${addr} does not have all its sessions`);
  const gone = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGKILL');
  const killedAt = performance.now();
  await gone;
  alive.delete(server);
  const [offlineAt, countedAt] = await Promise.all([
    pollUntil(() => isOffline(client, server)),
    pollUntil(async () => (await countOf(client, addr)) === 0),
  ]);
  return { offlineMs: offlineAt - killedAt, countedMs: countedAt - killedAt };
}

/** Asks for a user of each shard, which loses the lease as a whole; if all are offline, for whatever is listed. */
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

/** Resolves with the time at which an answer said so. */
async function pollUntil(probe: () => Promise<boolean>): Promise<number> {
  while (!(await probe())) await delay(POLL_MS);
  return performance.now();
}

function rowsOf(found: Crash[], leaseMs: number): Row[] {
  const bound = leaseMs + SWEEP_MS;
  const row = (what: string, times: number[], share: number, goal: Pick<Figures, 'goal'> = {}) =>
    makeRow({
      row: `${what}, ${share === 1 ? 'longest' : `p${share * 100}`}`,
      unit: 'ms',
      values: [quantile(times, share)],
      reference: { name: 'lease and 1 s', values: [bound] },
      ...goal,
    });
  const offline = found.map(({ offlineMs }) => offlineMs);
  const counted = found.map(({ countedMs }) => countedMs);
  return [
    row('seen online', offline, 0.5),
    row('seen online', offline, 0.99),
    row('seen online', offline, 1, { goal: { figure: 'ratio', atMost: 1 } }),
    row('counted', counted, 0.5),
    row('counted', counted, 0.99),
    row('counted', counted, 1),
  ];
}
