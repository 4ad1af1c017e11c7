import { type Change, type Client, connect } from '../../../packages/client/src/index.ts';
import { type ChatInstance, startChatInstance } from '../../support/chatInstance.ts';
import { startTestDaemon } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import { freePort } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { Devices } from './devices.ts';

/** How large a rolling restart is. */
export interface RollingOptions {
  servers: number;
  sessionsPerServer: number;
  /** The time of a drain. Milliseconds. */
  overMs: number;
  log(line: string): void;
}

/** What a watcher of everything saw of a rolling restart. */
export interface RollingReport {
  changes: { online: number; offline: number; moved: number };
  drains: DrainReport[];
}

interface DrainReport {
  serverAddr: string;
  sessions: number;
  /** How long the slowest device took to move: a busy machine delays logins, which then come together. */
  slowestMs: number;
  /**
   * The most logins in a quarter of the window, relative to an even distribution over a quarter and `slowestMs`. The
   * window begins when the chat server knows of the drain: with its next keep-alive.
   */
  peak: number;
}

const LEASE_MS = 10_000;

/**
 * Drains, stops and starts one chat server after the other, each a process of the example chat, while devices stay
 * connected to any of them. The disposables end what it starts.
 */
export async function rollOut(options: RollingOptions): Promise<RollingReport> {
  const daemon = await startTestDaemon();
  disposables.push(() => daemon.remove());
  const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
  disposables.push(() => client.close());
  const ports = await Promise.all(
    Array.from({ length: options.servers }, async () => ({
      port: await freePort(),
      hopPort: await freePort(),
    })),
  );
  const start = (own: { port: number; hopPort: number }) =>
    startChatInstance({ endpoint: daemon.addr, leaseMs: LEASE_MS, ...own });
  const instances = await Promise.all(ports.map(start));
  const devices = new Devices(instances.map(({ url }) => url));
  disposables.push(() => devices.close());
  const users = Array.from({ length: options.servers * options.sessionsPerServer }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId, i) => devices.connect(userId, i)));
  options.log(`${users.length} sessions at ${instances.length} chat servers`);

  const changes = await follow(client);
  const drains: DrainReport[] = [];
  for (const [i, own] of ports.entries()) {
    const report = await drain(client, instances[i] as ChatInstance, {
      changes,
      devices,
      overMs: options.overMs,
    });
    options.log(JSON.stringify(report));
    drains.push(report);
    instances[i] = await start(own);
  }
  const moved = drains.reduce((sum, { sessions }) => sum + sessions, 0);
  await until(() => changes.filter((change) => change.moved).length >= moved, 'all moves are delivered');
  return { changes: counted(changes), drains };
}

/** Drains a chat server, stops it once it has no session left, and reports how its sessions have moved. */
async function drain(
  client: Client,
  { addr: serverAddr, child, ended }: ChatInstance,
  { changes, devices, overMs }: { changes: Change[]; devices: Devices; overMs: number },
): Promise<DrainReport> {
  const before = changes.length;
  devices.slowest();
  const { sessions, deadline } = await client.drainServer({ serverAddr, overMs });
  const left = async () =>
    (await client.listServers()).servers.find((each) => each.serverAddr === serverAddr);
  await until(async () => (await left())?.sessions === 0, `${serverAddr} has no session left`);
  child.kill('SIGTERM');
  const exitCode = await ended;
  if (exitCode !== 0) throw new Error(`${serverAddr} exited with ${exitCode}`);
  const times = changes.slice(before).flatMap(({ moved, time }) => (moved && time ? [time.getTime()] : []));
  const windowMs = Number(deadline) - Math.min(...times);
  const slowestMs = devices.slowest();
  const evenly = (sessions * (windowMs / 4 + slowestMs)) / windowMs;
  return { serverAddr, sessions, slowestMs, peak: peakOf(times, windowMs / 4) / evenly };
}

/** The most times within a window. */
function peakOf(times: readonly number[], windowMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(
    0,
    ...sorted.map((from, i) => sorted.slice(i).filter((time) => time < from + windowMs).length),
  );
}

/** All changes after a snapshot, as they arrive. */
async function follow(client: Client): Promise<Change[]> {
  const changes: Change[] = [];
  const watch = client.watch({ everything: true });
  let isSynced = false;
  const watched = (async () => {
    for await (const event of watch) {
      if (event.type === 'synced') isSynced = true;
      else if (event.type === 'change') changes.push(event);
    }
  })();
  disposables.push(async () => {
    watch.close();
    await watched;
  });
  await until(() => isSynced, 'the watch is synced');
  return changes;
}

function counted(changes: readonly Change[]): RollingReport['changes'] {
  return {
    online: changes.filter(({ wasOnline, online }) => online && !wasOnline).length,
    offline: changes.filter(({ online }) => !online).length,
    moved: changes.filter(({ moved }) => moved).length,
  };
}
