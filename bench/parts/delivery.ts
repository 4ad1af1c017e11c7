// The cost of delivering changes: CPU time and bytes, compared with the same changes without watches, by the
// number of watchers of everything and of shards. Also the cost of reading the change log for a watcher
// without matching changes.
import { setTimeout as delay } from 'node:timers/promises';
import { measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess, type MeasuredRedis } from '../environment.ts';
import { PATH, write } from '../messages.ts';
import { definePart, logProgress, makeRow, type Row } from '../part.ts';
import { changeAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const USERS = 20_000;
/** The JIT compiler has to optimize the code first. */
const WARM_UP = { rate: 10_000, seconds: 6 };
/** Time for watches to start, and for the last changes to arrive. */
const SETTLE_MS = 1_000;
const WATCHERS_PER_CONNECTION = 25;

interface Served {
  shards: number;
  daemon: MeasuredProcess;
  redis: MeasuredRedis;
  client: RawClient;
}

/** A watch of a user without changes: the daemon reads each change and delivers none. */
const NO_MATCH = { start: { userIds: ['nobody'] } };
const EVERYTHING = { start: { everything: true } };

interface Load {
  rate: number;
  seconds: number;
}

/** CPU seconds, and bytes and messages received by the watchers. */
interface Usage {
  daemon: number;
  redis: number;
  bytes: number;
  messages: number;
}

/** The rounds of a number of watchers, with and without them. */
interface Comparison {
  served: Served;
  watchers: number;
  start: typeof NO_MATCH | typeof EVERYTHING;
  load: Load;
  with: Usage[];
  without: Usage[];
}

/** See the part's `about`. */
export const delivery = definePart({
  name: 'delivery',
  about: 'CPU and bytes of delivering changes to watchers',
  options: {
    rounds: { short: 1, full: 5, about: 'rounds, alternating with and without watchers' },
    seconds: { short: 3, full: 10, about: 'duration of a round' },
    rate: { short: 2_000, full: 2_000, about: 'maximum number of changes per second' },
    'read-rate': {
      short: 10_000,
      full: 10_000,
      about: 'changes per second for a watcher without matching changes',
    },
    'delivery-rate': { short: 10_000, full: 10_000, about: 'maximum number of deliveries per second' },
    watchers: { short: '1,50', full: '1,10,50', about: 'numbers of watchers of everything' },
    shards: { short: '16', full: '16,64,256', about: 'numbers of shards' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const found: Comparison[] = [];
      for (const shards of settings.shards.split(',').map(Number)) {
        const served = await serve(environment, shards);
        await measure(served, 0, NO_MATCH, WARM_UP);
        const load = { rate: Number(settings['read-rate']), seconds: Number(settings.seconds) };
        found.push({ served, watchers: 1, start: NO_MATCH, load, with: [], without: [] });
        for (const watchers of settings.watchers.split(',').map(Number)) {
          const rate = Math.min(Number(settings.rate), Number(settings['delivery-rate']) / watchers);
          const load = { rate, seconds: Number(settings.seconds) };
          found.push({ served, watchers, start: EVERYTHING, load, with: [], without: [] });
        }
      }
      for (let i = 1; i <= Number(settings.rounds); i++) {
        for (const each of found) {
          const { served, watchers, start, load } = each;
          logProgress(
            `delivery: round ${i} of ${settings.rounds}, ${watchers} watchers, ${served.shards} shards`,
          );
          const sides = [
            async () => each.without.push(await measure(served, 0, start, load)),
            async () => each.with.push(await measure(served, watchers, start, load)),
          ];
          for (const side of i % 2 ? sides : sides.reverse()) await side();
        }
      }
      return found.flatMap(rowsOf);
    }),
});

async function serve(environment: Environment, shards: number): Promise<Served> {
  const redis = await environment.redis();
  const daemon = await environment.daemon({ redis: redis.url, flags: ['--shards', `${shards}`] });
  const client = new RawClient(daemon.addr);
  environment.defer(async () => client.close());
  return { shards, daemon, redis, client };
}

/** Measures changes at a fixed rate with a number of watchers. */
async function measure(
  { daemon, redis, client }: Served,
  watchers: number,
  target: Comparison['start'],
  load: Load,
): Promise<Usage> {
  const connections = Math.ceil(watchers / WATCHERS_PER_CONNECTION);
  const clients = Array.from({ length: connections }, () => new RawClient(daemon.addr));
  let [bytes, messages] = [0, 0];
  const failures: Error[] = [];
  const start = write.watch(target);
  for (let i = 0; i < watchers; i++) {
    const stream = (clients[i % connections] as RawClient).stream(PATH.watch);
    stream.on('data', ({ length }: Buffer) => {
      bytes += length;
      messages += 1;
    });
    stream.on('error', (error) => failures.push(error));
    stream.write(start);
  }
  await delay(SETTLE_MS);
  [bytes, messages] = [0, 0];
  const { cpu } = await measureCpu([[daemon.pid], [redis.pid]], async () => {
    await changeAtRate(client, { ...load, users: USERS });
    await delay(SETTLE_MS);
  });
  if (failures.length > 0) throw failures[0];
  for (const each of clients) each.close();
  return { daemon: cpu[0] as number, redis: cpu[1] as number, bytes, messages };
}

function rowsOf({ served, watchers, start, load, with: usage, without }: Comparison): Row[] {
  const changes = load.rate * load.seconds;
  const rate = `${load.rate} changes/s`;
  const row = `delivered to ${watchers} watcher${watchers > 1 ? 's' : ''} of everything, ${rate}, ${served.shards} shards`;
  const more = (figure: 'daemon' | 'redis', count: number) =>
    usage.map((each, i) => ((each[figure] - (without[i] as Usage)[figure]) / count) * 1e6);
  if (start === NO_MATCH) {
    const row = `read for a watcher without matching changes, ${rate}, ${served.shards} shards`;
    return [
      makeRow({ row, unit: 'µs CPU of the daemon/change', values: more('daemon', changes) }),
      makeRow({ row, unit: 'µs CPU of Redis/change', values: more('redis', changes) }),
    ];
  }
  return [
    makeRow({ row, unit: 'µs CPU of the daemon/delivery', values: more('daemon', changes * watchers) }),
    makeRow({ row, unit: 'µs CPU of Redis/change', values: more('redis', changes) }),
    makeRow({ row, unit: 'bytes/delivery', values: usage.map(({ bytes }) => bytes / changes / watchers) }),
    makeRow({
      row,
      unit: 'changes/message',
      values: usage.map(({ messages }) => (changes * watchers) / messages),
    }),
  ];
}
