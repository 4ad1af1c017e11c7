// Watches: how many changes one daemon tells how many watchers, how late, and what an idle watcher costs. Redis store, one daemon on
// one core; watchers are plain gRPC streams of this process, so that what is measured is the daemon.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { connect } from '../src/client/index.ts';
import type { WatchResponse__Output } from '../src/generated/imstate/v1/WatchResponse.ts';
import type { WatchStart } from '../src/generated/imstate/v1/WatchStart.ts';
import { loadProtos } from '../src/wire/protos.ts';
import { startRedis } from '../test/support/servers.ts';
import { until } from '../test/support/until.ts';
import { spreadMs } from './figures.ts';
import { launchDaemon } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    changes: { type: 'string', default: '20000' },
    watchers: { type: 'string', default: '1,100,1000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    idle: { type: 'string', default: '2000' },
  },
});

const folder = await mkdtemp(join(tmpdir(), 'imstate-bench-'));
const redis = await startRedis();
const daemon = await launchDaemon(redis.url, folder);
const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
const { types } = loadProtos();
let sessions = 0;
try {
  // Warm: code that has not run often is slow.
  for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 100 }, login));
  await measureDelay(Number(options.rate), Number(options.seconds));
  await measureIdle(Number(options.idle));
  for (const watchers of options.watchers.split(',').map(Number)) await measureRate(watchers);
} finally {
  await client.close();
  daemon.process.kill('SIGKILL');
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** A login of the next session, on one of a thousand users; repeated until it is answered, as chat servers do. */
async function login(): Promise<string> {
  const sessionId = `s-${sessions++}`;
  const request = {
    userId: `user-${sessions % 1_000}`,
    deviceId: 'phone',
    serverAddr: '10.0.0.1:9000',
    sessionId,
  };
  await until(() => client.online(request).catch(() => undefined), `${sessionId} is reported`);
  return sessionId;
}

/** A watch on a connection that is shared by up to a hundred. */
function openWatch(stub: InstanceType<typeof types.imstate.v1.PresenceService>, start: WatchStart) {
  const stream = stub.Watch();
  const watch = {
    changes: 0,
    isSynced: false,
    onChange: (_sessionId: string) => {},
    close: () => stream.cancel(),
  };
  stream.on('data', ({ changes, synced }: WatchResponse__Output) => {
    watch.changes += changes.length;
    watch.isSynced ||= synced;
    for (const { session } of changes) watch.onChange(session?.sessionId ?? '');
  });
  stream.on('error', () => {});
  stream.write({ start });
  return watch;
}

async function openWatches(count: number, startOf: (i: number) => WatchStart) {
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const stubs = Array.from(
    { length: Math.ceil(count / 100) },
    () => new types.imstate.v1.PresenceService(daemon.addr, credentials.createInsecure(), options),
  );
  const watches = Array.from({ length: count }, (_, i) =>
    openWatch(stubs[Math.floor(i / 100)] as (typeof stubs)[0], startOf(i)),
  );
  await until(() => watches.every(({ isSynced }) => isSynced), 'all watches are synced');
  return {
    watches,
    close: () => {
      for (const watch of watches) watch.close();
      for (const stub of stubs) stub.close();
    },
  };
}

/** From the answer to Online until the change has come, at a fixed rate. */
async function measureDelay(rate: number, seconds: number): Promise<void> {
  const { watches, close } = await openWatches(1, () => ({ everything: true }));
  const answered = new Map<string, number>();
  const came = new Map<string, number>();
  const [watch] = watches;
  if (watch) watch.onChange = (sessionId) => came.set(sessionId, performance.now());
  const begin = performance.now();
  const calls: Promise<void>[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    const due = begin + (i * 1_000) / rate;
    if (due > performance.now()) await delay(due - performance.now());
    calls.push(login().then((sessionId) => void answered.set(sessionId, performance.now())));
  }
  await Promise.all(calls);
  await until(() => came.size >= rate * seconds, 'all changes have come');
  const delays = [...answered].map(([sessionId, at]) => Math.max(0, (came.get(sessionId) ?? Infinity) - at));
  const actual = (rate * seconds * 1_000) / (performance.now() - begin);
  const { p50Ms, p99Ms, maxMs } = spreadMs(delays);
  console.log(
    `delay from Online answered to change received, ${Math.round(actual)} changes/s, 1 watcher of everything: ` +
      `p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms`,
  );
  close();
}

/** What an idle watcher of ten users takes of the daemon's memory. */
async function measureIdle(count: number): Promise<void> {
  const before = residentKb();
  const { close } = await openWatches(count, (i) => ({
    userIds: Array.from({ length: 10 }, (_, k) => `user-${(i * 10 + k) % 1_000}`),
  }));
  await delay(2_000);
  const perWatcher = (residentKb() - before) / count;
  console.log(
    `${count} idle watchers of 10 users, 100 a connection: ${perWatcher.toFixed(1)} kB each in the daemon`,
  );
  close();
  await delay(1_000);
}

/** How fast changes get to all watchers of everything, as fast as the daemon takes them. */
async function measureRate(count: number): Promise<void> {
  const { watches, close } = await openWatches(count, () => ({ everything: true }));
  const changes = Math.max(500, Math.round(Number(options.changes) / Math.sqrt(count)));
  const begin = performance.now();
  for (let sent = 0; sent < changes; sent += 100) await Promise.all(Array.from({ length: 100 }, login));
  const total = Math.ceil(changes / 100) * 100;
  await until(() => watches.every((watch) => watch.changes >= total), 'every watcher has every change');
  const seconds = (performance.now() - begin) / 1_000;
  console.log(
    `${count} watchers of everything: ${Math.round(total / seconds)} changes/s, ` +
      `${Math.round((total * count) / seconds)} told/s`,
  );
  close();
  await delay(500);
}

function residentKb(): number {
  const status = readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}
