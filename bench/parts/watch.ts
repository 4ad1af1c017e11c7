// Watches: how many changes one daemon delivers, with what latency, and the memory of an idle watcher. The
// watchers are plain gRPC streams of this process, so that the daemon is the limit.
import { setTimeout as delay } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import type { WatchResponse__Output } from '../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import type { WatchStart } from '../../packages/client/src/generated/imstate/v1/WatchStart.ts';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { until } from '../../test/support/until.ts';
import { residentBytes } from '../cpu.ts';
import { Environment, type MeasuredProcess } from '../environment.ts';
import { quantile } from '../figures.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';

const { types } = loadProtos();
const WATCHERS_PER_CONNECTION = 100;
const SHARES = { p50: 0.5, p99: 0.99, max: 1 };

/** A daemon, and a source of logins. */
interface Watched {
  daemon: MeasuredProcess;
  /** Logs in one of a thousand users with a new session. Retries until it succeeds, as chat servers do. */
  login(): Promise<string>;
}

/** See the part's `about`. */
export const watch = definePart({
  name: 'watch',
  about: 'how many changes are delivered, their latency, and the memory of an idle watcher',
  options: {
    changes: { short: 2_000, full: 20_000, about: 'changes with one watcher; fewer with more watchers' },
    watchers: { short: '1,100', full: '1,100,1000', about: 'numbers of watchers of everything' },
    rate: { short: 1_000, full: 1_000, about: 'changes per second for the latency' },
    seconds: { short: 3, full: 10, about: 'duration of the latency measurement' },
    idle: { short: 500, full: 2_000, about: 'idle watchers' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const redis = await environment.redis();
      const daemon = await environment.daemon({ redis: redis.url });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      environment.defer(() => client.close());
      const watched = { daemon, login: logins(client) };
      // Warm-up: the JIT compiler has to optimize the code first.
      for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 100 }, watched.login));
      logProgress('watch: latency');
      const rows = await measureLatency(watched, Number(settings.rate), Number(settings.seconds));
      logProgress('watch: idle watchers');
      rows.push(await measureIdle(watched, Number(settings.idle)));
      let first: number | undefined;
      for (const count of settings.watchers.split(',').map(Number)) {
        logProgress(`watch: ${count} watchers of everything`);
        const rate = await measureRate(watched, count, Number(settings.changes));
        first ??= rate;
        rows.push(
          makeRow({
            row: `${count} watchers of everything`,
            unit: 'deliveries/s',
            values: [rate],
            reference: { name: 'with the fewest watchers', values: [first] },
          }),
        );
      }
      return rows;
    }),
});

function logins(client: Client): () => Promise<string> {
  let sessions = 0;
  return async () => {
    const sessionId = `s-${sessions++}`;
    const request = {
      userId: `user-${sessions % 1_000}`,
      deviceId: 'phone',
      serverAddr: '10.0.0.1:9000',
      sessionId,
    };
    await until(() => client.online(request).catch(() => undefined), `${sessionId} is reported`);
    return sessionId;
  };
}

/** Opens a watch on a shared connection. */
function openWatch(stub: InstanceType<typeof types.imstate.v1.PresenceService>, start: WatchStart) {
  const stream = stub.Watch();
  const opened = {
    changes: 0,
    isSynced: false,
    onChange: (_sessionId: string) => {},
    close: () => stream.cancel(),
  };
  stream.on('data', ({ changes, synced }: WatchResponse__Output) => {
    opened.changes += changes.length;
    opened.isSynced ||= synced;
    for (const { session } of changes) opened.onChange(session?.sessionId ?? '');
  });
  stream.on('error', () => {});
  stream.write({ start });
  return opened;
}

async function openWatches(addr: string, count: number, startOf: (i: number) => WatchStart) {
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const stubs = Array.from(
    { length: Math.ceil(count / WATCHERS_PER_CONNECTION) },
    () => new types.imstate.v1.PresenceService(addr, credentials.createInsecure(), options),
  );
  const watches = Array.from({ length: count }, (_, i) =>
    openWatch(stubs[Math.floor(i / WATCHERS_PER_CONNECTION)] as (typeof stubs)[0], startOf(i)),
  );
  await until(() => watches.every(({ isSynced }) => isSynced), 'all watches are synced');
  return {
    watches,
    close: () => {
      for (const opened of watches) opened.close();
      for (const stub of stubs) stub.close();
    },
  };
}

/**
 * Latency from the response to Online until the change arrives, compared with the latency of that response.
 */
async function measureLatency({ daemon, login }: Watched, rate: number, seconds: number): Promise<Row[]> {
  const { watches, close } = await openWatches(daemon.addr, 1, () => ({ everything: true }));
  const answered = new Map<string, number>();
  const arrived = new Map<string, number>();
  const took: number[] = [];
  const [opened] = watches;
  if (opened) opened.onChange = (sessionId) => arrived.set(sessionId, performance.now());
  const begin = performance.now();
  const calls: Promise<void>[] = [];
  const call = async () => {
    const sentAt = performance.now();
    const sessionId = await login();
    answered.set(sessionId, performance.now());
    took.push(performance.now() - sentAt);
  };
  for (let i = 0; i < rate * seconds; i++) {
    const due = begin + (i * 1_000) / rate;
    if (due > performance.now()) await delay(due - performance.now());
    calls.push(call());
  }
  await Promise.all(calls);
  await until(() => arrived.size >= rate * seconds, 'all changes have arrived');
  const delays = [...answered].map(([sessionId, at]) =>
    Math.max(0, (arrived.get(sessionId) ?? Infinity) - at),
  );
  close();
  return Object.entries(SHARES).map(([name, share]) =>
    makeRow({
      row: `from the response to Online to the change, ${rate} changes/s, ${name}`,
      unit: 'ms',
      values: [quantile(delays, share)],
      reference: { name: 'response to Online', values: [quantile(took, share)] },
    }),
  );
}

/** Memory of the daemon per idle watcher of ten users. */
async function measureIdle({ daemon }: Watched, count: number): Promise<Row> {
  const before = residentBytes(daemon.pid);
  const { close } = await openWatches(daemon.addr, count, (i) => ({
    userIds: Array.from({ length: 10 }, (_, k) => `user-${(i * 10 + k) % 1_000}`),
  }));
  await delay(2_000);
  const each = (residentBytes(daemon.pid) - before) / count;
  close();
  await delay(1_000);
  return makeRow({
    row: `idle watcher of 10 users, one of ${count}, ${WATCHERS_PER_CONNECTION} per connection`,
    unit: 'kB in the daemon',
    values: [each / 1_024],
  });
}

/** Deliveries per second to all watchers of everything, at the maximum rate of the daemon. */
async function measureRate({ daemon, login }: Watched, count: number, maxChanges: number): Promise<number> {
  const { watches, close } = await openWatches(daemon.addr, count, () => ({ everything: true }));
  const changes = Math.max(500, Math.round(maxChanges / Math.sqrt(count)));
  const begin = performance.now();
  for (let sent = 0; sent < changes; sent += 100) await Promise.all(Array.from({ length: 100 }, login));
  const total = Math.ceil(changes / 100) * 100;
  await until(() => watches.every((opened) => opened.changes >= total), 'every watcher has every change');
  const seconds = (performance.now() - begin) / 1_000;
  close();
  await delay(500);
  return (total * count) / seconds;
}
