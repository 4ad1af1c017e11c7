// Memory of the daemon under a steady load of all kinds of calls: what is left after a garbage collection, and what the process
// occupies, minute after minute.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../figures.ts';
import { loginOf, PATH, populationOf, userId, write } from '../messages.ts';
import { definePart, makeRow, say } from '../part.ts';
import { LogPosition, type Measured } from '../place.ts';
import { askAtRate, changeAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const USERS = 50_000;
const SAMPLE_MS = 5_000;
const WATCHERS = 3;
const KEEP_ALIVE_MS = 1_000;
/** The part of the time at the beginning that is left out: code is compiled, buffers and pools grow to their size. */
const WARM_SHARE = 0.2;

/** Bytes. */
interface Sample {
  rss: number;
  heapUsed: number;
}

/** See the part's `about`. */
export const memory = definePart({
  name: 'memory',
  about: 'memory of the daemon under steady load: changes by Apply and unary, look-ups, watches, a lease',
  options: {
    seconds: { short: 60, full: 600, about: 'how long the load lasts' },
    rate: { short: 2_000, full: 2_000, about: 'changes a second, one of ten of them a unary call' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const [seconds, rate] = [Number(settings.seconds), Number(settings.rate)];
      const redis = await place.redis();
      const daemon = await place.daemon({ redis: redis.url, node: ['--import', './bench/heapProbe.js'] });
      const client = new RawClient(daemon.addr);
      place.atEnd(async () => client.close());
      let told = 0;
      for (let i = 0; i < WATCHERS; i++) watchEverything(client, () => told++);
      const endLease = keepLease(client);
      const samples: Sample[] = [];
      const isOver = new AbortController();
      const sampling = takeSamples(daemon, samples, isOver.signal);
      await Promise.all([
        changeAtRate(client, { rate: rate * 0.9, seconds, users: USERS }),
        askAtRate({ rate: rate * 0.2, seconds }, (i) => ({ client, ...askOf(i) })),
      ]);
      isOver.abort();
      endLease();
      await sampling;
      if (told === 0) throw new Error('watchers were told nothing');
      say(
        `memory: heap after garbage collection, MB: ${samples.map(({ heapUsed }) => (heapUsed / 1e6).toFixed(1)).join(' ')}`,
      );
      return rowsOf(samples.slice(Math.ceil(samples.length * WARM_SHARE)));
    }),
});

/** Unary calls: as many changes as look-ups. */
function askOf(i: number) {
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
  // It ends with its part.
  stream.on('error', () => {});
  stream.write(write.watch({ start: { everything: true } }));
}

/** Keeps the lease of a chat server alive; returns what ends that. */
function keepLease(client: RawClient): () => void {
  const stream = client.stream(PATH.keepServerAlive);
  stream.resume();
  stream.on('error', () => {});
  const message = write.keepServerAlive({ serverAddr: '10.1.0.1:9000', incarnation: 1 });
  const timer = setInterval(() => stream.write(message), KEEP_ALIVE_MS);
  return () => clearInterval(timer);
}

async function takeSamples(
  { process: child }: Measured,
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

/** The last third beside the first. */
function rowsOf(samples: Sample[]) {
  const third = Math.ceil(samples.length / 3);
  const megabytes = (of: Sample[], figure: keyof Sample) => [median(of.map((each) => each[figure])) / 1e6];
  return (['heapUsed', 'rss'] as const).map((figure) =>
    makeRow({
      row: figure === 'rss' ? 'resident' : 'heap after garbage collection',
      unit: 'MB',
      values: megabytes(samples.slice(-third), figure),
      reference: { name: 'in the first third', values: megabytes(samples.slice(0, third), figure) },
      goal: { figure: 'ratio', atMost: 1.1 },
    }),
  );
}
