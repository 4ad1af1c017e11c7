// What it costs to tell watchers of changes: CPU and bytes, beside the same changes that nobody watches, by the number of watchers of
// everything and by the number of shards; and what it costs to read the ledger for a watcher who is told nothing.
import { setTimeout as delay } from 'node:timers/promises';
import { costOf } from '../cpu.ts';
import { PATH, write } from '../messages.ts';
import { definePart, makeRow, type Row, say } from '../part.ts';
import { LogPosition, type Measured, type MeasuredRedis } from '../place.ts';
import { changeAtRate } from '../rate.ts';
import { RawClient } from '../rawClient.ts';

const USERS = 20_000;
/** Code that has not run often is slow. */
const WARM_UP = { rate: 10_000, seconds: 6 };
/** For watches to begin, and for the last changes to be told. */
const SETTLE_MS = 1_000;
const WATCHERS_A_CONNECTION = 25;

interface Served {
  shards: number;
  daemon: Measured;
  redis: MeasuredRedis;
  client: RawClient;
}

/** A watch of a user to whom nothing happens: the daemon reads each change, and tells none. */
const NOBODY = { start: { userIds: ['nobody'] } };
const EVERYTHING = { start: { everything: true } };

interface Load {
  rate: number;
  seconds: number;
}

/** CPU seconds, and bytes and messages that watchers got. */
interface Taken {
  daemon: number;
  redis: number;
  bytes: number;
  messages: number;
}

/** What so many watchers cost beside none, round by round. */
interface Told {
  served: Served;
  watchers: number;
  start: typeof NOBODY | typeof EVERYTHING;
  load: Load;
  with: Taken[];
  without: Taken[];
}

/** See the part's `about`. */
export const told = definePart({
  name: 'told',
  about: 'CPU and bytes of telling changes to watchers',
  options: {
    rounds: { short: 1, full: 5, about: 'how often each is measured, in alternation with no watchers' },
    seconds: { short: 3, full: 10, about: 'how long a round is' },
    rate: { short: 2_000, full: 2_000, about: 'changes a second at most' },
    'read-rate': { short: 10_000, full: 10_000, about: 'changes a second, to a watcher who is told nothing' },
    'told-rate': { short: 10_000, full: 10_000, about: 'told changes a second at most' },
    watchers: { short: '1,50', full: '1,10,50', about: 'numbers of watchers of everything' },
    shards: { short: '16', full: '16,64,256', about: 'numbers of shards' },
  },
  run: (settings) =>
    LogPosition.with(async (place) => {
      const found: Told[] = [];
      for (const shards of settings.shards.split(',').map(Number)) {
        const served = await serve(place, shards);
        await take(served, 0, NOBODY, WARM_UP);
        const load = { rate: Number(settings['read-rate']), seconds: Number(settings.seconds) };
        found.push({ served, watchers: 1, start: NOBODY, load, with: [], without: [] });
        for (const watchers of settings.watchers.split(',').map(Number)) {
          const rate = Math.min(Number(settings.rate), Number(settings['told-rate']) / watchers);
          const load = { rate, seconds: Number(settings.seconds) };
          found.push({ served, watchers, start: EVERYTHING, load, with: [], without: [] });
        }
      }
      for (let i = 1; i <= Number(settings.rounds); i++) {
        for (const each of found) {
          const { served, watchers, start, load } = each;
          say(`told: round ${i} of ${settings.rounds}, ${watchers} watchers, ${served.shards} shards`);
          const sides = [
            async () => each.without.push(await take(served, 0, start, load)),
            async () => each.with.push(await take(served, watchers, start, load)),
          ];
          for (const side of i % 2 ? sides : sides.reverse()) await side();
        }
      }
      return found.flatMap(rowsOf);
    }),
});

async function serve(place: LogPosition, shards: number): Promise<Served> {
  const redis = await place.redis();
  const daemon = await place.daemon({ redis: redis.url, flags: ['--shards', `${shards}`] });
  const client = new RawClient(daemon.addr);
  place.atEnd(async () => client.close());
  return { shards, daemon, redis, client };
}

/** Makes changes at a rate, while there are so many watchers. */
async function take(
  { daemon, redis, client }: Served,
  watchers: number,
  target: Told['start'],
  load: Load,
): Promise<Taken> {
  const connections = Math.ceil(watchers / WATCHERS_A_CONNECTION);
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
  const { cpu } = await costOf([[daemon.pid], [redis.pid]], async () => {
    await changeAtRate(client, { ...load, users: USERS });
    await delay(SETTLE_MS);
  });
  if (failures.length > 0) throw failures[0];
  for (const each of clients) each.close();
  return { daemon: cpu[0] as number, redis: cpu[1] as number, bytes, messages };
}

function rowsOf({ served, watchers, start, load, with: taken, without }: Told): Row[] {
  const changes = load.rate * load.seconds;
  const rate = `${load.rate} changes/s`;
  const row = `told to ${watchers} watcher${watchers > 1 ? 's' : ''} of everything, ${rate}, ${served.shards} shards`;
  const more = (figure: 'daemon' | 'redis', count: number) =>
    taken.map((each, i) => ((each[figure] - (without[i] as Taken)[figure]) / count) * 1e6);
  if (start === NOBODY) {
    const row = `read for a watcher who is told nothing, ${rate}, ${served.shards} shards`;
    return [
      makeRow({ row, unit: 'µs CPU of the daemon/change', values: more('daemon', changes) }),
      makeRow({ row, unit: 'µs CPU of Redis/change', values: more('redis', changes) }),
    ];
  }
  return [
    makeRow({ row, unit: 'µs CPU of the daemon/told', values: more('daemon', changes * watchers) }),
    makeRow({ row, unit: 'µs CPU of Redis/change', values: more('redis', changes) }),
    makeRow({ row, unit: 'bytes/told', values: taken.map(({ bytes }) => bytes / changes / watchers) }),
    makeRow({
      row,
      unit: 'changes/message',
      values: taken.map(({ messages }) => (changes * watchers) / messages),
    }),
  ];
}
