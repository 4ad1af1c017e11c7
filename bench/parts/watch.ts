// Watches: how many changes one daemon tells how many watchers, how late, and what an idle watcher costs. Redis store, one daemon on
// one core; watchers are plain gRPC streams of this process, so that what is measured is the daemon.
import { setTimeout as delay } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import type { WatchResponse__Output } from '../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import type { WatchStart } from '../../packages/client/src/generated/imstate/v1/WatchStart.ts';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { until } from '../../test/support/until.ts';
import { residentBytes } from '../cpu.ts';
import { quantile } from '../figures.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition, type Measured } from '../place.ts';

const { types } = loadProtos();
const WATCHERS_A_CONNECTION = 100;
const SHARES = { p50: 0.5, p99: 0.99, longest: 1 };

/** A daemon, and who logs in there. */
interface Watched {
  daemon: Measured;
  /** A login of the next session, on one of a thousand users; repeated until it is answered, as chat servers do. */
  login(): Promise<string>;
}

/** See the part's `about`. */
export const watch = definePart({
  name: 'watch',
  about: 'how many changes are told, how late, and what an idle watcher costs',
  options: {
    changes: { short: 2_000, full: 20_000, about: 'changes to one watcher; fewer to more of them' },
    watchers: { short: '1,100', full: '1,100,1000', about: 'numbers of watchers of everything' },
    rate: { short: 1_000, full: 1_000, about: 'changes a second when the delay is measured' },
    seconds: { short: 3, full: 10, about: 'how long that is' },
    idle: { short: 500, full: 2_000, about: 'idle watchers' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const redis = await place.redis();
      const daemon = await place.daemon({ redis: redis.url });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      place.atEnd(() => client.close());
      const watched = { daemon, login: logins(client) };
      // Warm: code that has not run often is slow.
      for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 100 }, watched.login));
      say('watch: delay');
      const rows = await measureDelay(watched, Number(settings.rate), Number(settings.seconds));
      say('watch: idle watchers');
      rows.push(await measureIdle(watched, Number(settings.idle)));
      let first: number | undefined;
      for (const count of settings.watchers.split(',').map(Number)) {
        say(`watch: ${count} watchers of everything`);
        const told = await measureRate(watched, count, Number(settings.changes));
        first ??= told;
        rows.push(
          makeRow({
            row: `${count} watchers of everything`,
            unit: 'told/s',
            values: [told],
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

/** A watch on a connection that is shared. */
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
    { length: Math.ceil(count / WATCHERS_A_CONNECTION) },
    () => new types.imstate.v1.PresenceService(addr, credentials.createInsecure(), options),
  );
  const watches = Array.from({ length: count }, (_, i) =>
    openWatch(stubs[Math.floor(i / WATCHERS_A_CONNECTION)] as (typeof stubs)[0], startOf(i)),
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

/** From the answer to Online until the change has come, at a fixed rate; beside how long that answer took. */
async function measureDelay({ daemon, login }: Watched, rate: number, seconds: number): Promise<Row[]> {
  const { watches, close } = await openWatches(daemon.addr, 1, () => ({ everything: true }));
  const answered = new Map<string, number>();
  const came = new Map<string, number>();
  const took: number[] = [];
  const [opened] = watches;
  if (opened) opened.onChange = (sessionId) => came.set(sessionId, performance.now());
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
  await until(() => came.size >= rate * seconds, 'all changes have come');
  const delays = [...answered].map(([sessionId, at]) => Math.max(0, (came.get(sessionId) ?? Infinity) - at));
  close();
  return Object.entries(SHARES).map(([name, share]) =>
    makeRow({
      row: `from Online answered to told, ${rate} changes/s, ${name}`,
      unit: 'ms',
      values: [quantile(delays, share)],
      reference: { name: 'for the answer to Online', values: [quantile(took, share)] },
    }),
  );
}

/** What an idle watcher of ten users takes of the daemon's memory. */
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
    row: `idle watcher of 10 users, one of ${count}, ${WATCHERS_A_CONNECTION} a connection`,
    unit: 'kB in the daemon',
    values: [each / 1_024],
  });
}

/** How many changes a second get to all watchers of everything together, as fast as the daemon takes them. */
async function measureRate({ daemon, login }: Watched, count: number, max: number): Promise<number> {
  const { watches, close } = await openWatches(daemon.addr, count, () => ({ everything: true }));
  const changes = Math.max(500, Math.round(max / Math.sqrt(count)));
  const begin = performance.now();
  for (let sent = 0; sent < changes; sent += 100) await Promise.all(Array.from({ length: 100 }, login));
  const total = Math.ceil(changes / 100) * 100;
  await until(() => watches.every((opened) => opened.changes >= total), 'every watcher has every change');
  const seconds = (performance.now() - begin) / 1_000;
  close();
  await delay(500);
  return (total * count) / seconds;
}
