// Memory of the daemon under a steady load of all kinds of calls: heap after garbage collection, and resident
// memory.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Environment, type MeasuredProcess } from '../environment.ts';
import { median } from '../figures.ts';
import { loginOf, PATH, populationOf, userId, write } from '../messages.ts';
import { definePart, logProgress, makeRow } from '../part.ts';
import { callAtRate, changeAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const USERS = 50_000;
const SAMPLE_MS = 5_000;
const WATCHERS = 3;
const KEEP_ALIVE_MS = 1_000;
/** The share of samples that are dropped at the start, while code is compiled and buffers grow. */
const WARM_UP_SHARE = 0.2;

/** Bytes. */
interface Sample {
  rss: number;
  heapUsed: number;
}

/** See the part's `about`. */
export const memory = definePart({
  name: 'memory',
  about: 'memory of the daemon under steady load: batches, unary calls, watches, a lease',
  options: {
    seconds: { short: 60, full: 600, about: 'duration of the load' },
    rate: { short: 2_000, full: 2_000, about: 'changes per second, of which a tenth are unary calls' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const [seconds, rate] = [Number(settings.seconds), Number(settings.rate)];
      const redis = await environment.redis();
      const daemon = await environment.daemon({
        redis: redis.url,
        node: ['--import', './bench/heapProbe.js'],
      });
      const client = new RawClient(daemon.addr);
      environment.defer(async () => client.close());
      let responses = 0;
      for (let i = 0; i < WATCHERS; i++) watchEverything(client, () => responses++);
      const endLease = keepLease(client);
      const samples: Sample[] = [];
      const isOver = new AbortController();
      const sampling = takeSamples(daemon, samples, isOver.signal);
      await Promise.all([
        changeAtRate(client, { rate: rate * 0.9, seconds, users: USERS }),
        callAtRate({ rate: rate * 0.2, seconds }, (i) => ({ client, ...callOf(i) })),
      ]);
      isOver.abort();
      endLease();
      await sampling;
      if (responses === 0) throw new Error('watchers received no changes');
      logProgress(
        `memory: heap after garbage collection, MB: ${samples.map(({ heapUsed }) => (heapUsed / 1e6).toFixed(1)).join(' ')}`,
      );
      return rowsOf(samples.slice(Math.ceil(samples.length * WARM_UP_SHARE)));
    }),
});

/** Unary calls: as many changes as lookups. */
function callOf(i: number) {
  const population = populationOf(USERS);
  const user = (i * 7) % USERS;
  if (i % 2 === 0)
    return { kind: 'look', path: PATH.getUser, request: write.getUser({ userId: userId(user) }) };
  const login = loginOf(population, user, { deviceId: 'tablet' });
  if (i % 4 === 1) return { kind: 'online', path: PATH.online, request: write.online(login) };
  const logout = { userId: userId((user - 14 + USERS) % USERS), deviceId: 'tablet' };
  return { kind: 'offline', path: PATH.offline, request: write.offline(logout) };
}

function watchEverything(client: RawClient, onMessage: () => void): void {
  const stream = client.stream(PATH.watch);
  stream.on('data', onMessage);
  // It ends with the benchmark.
  stream.on('error', () => {});
  stream.write(write.watch({ start: { everything: true } }));
}

/** Keeps the lease of a chat server alive, and returns a function that stops it. */
function keepLease(client: RawClient): () => void {
  const stream = client.stream(PATH.keepServerAlive);
  stream.resume();
  stream.on('error', () => {});
  const message = write.keepServerAlive({ serverAddr: '10.1.0.1:9000', incarnation: 1 });
  const timer = setInterval(() => stream.write(message), KEEP_ALIVE_MS);
  return () => clearInterval(timer);
}

async function takeSamples(
  { process: child }: MeasuredProcess,
  samples: Sample[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    child.send('sample');
    const [sample] = (await once(child, 'message')) as [Sample];
    samples.push(sample);
    await delay(SAMPLE_MS, undefined, { signal }).catch(() => {});
  }
}

/** Compares the last third of the samples with the first. */
function rowsOf(samples: Sample[]) {
  const third = Math.ceil(samples.length / 3);
  const megabytes = (of: Sample[], figure: keyof Sample) => [median(of.map((each) => each[figure])) / 1e6];
  return (['heapUsed', 'rss'] as const).map((figure) =>
    makeRow({
      row: figure === 'rss' ? 'resident memory' : 'heap after garbage collection',
      unit: 'MB',
      values: megabytes(samples.slice(-third), figure),
      reference: { name: 'in the first third', values: megabytes(samples.slice(0, third), figure) },
      goal: { figure: 'ratio', atMost: 1.1 },
    }),
  );
}
