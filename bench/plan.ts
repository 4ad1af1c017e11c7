// What so many devices need, from measured unit costs and from assumptions: docs/scale.md has it as tables.
import { short } from './figures.ts';
import { DEVICES_PER_SERVER } from './messages.ts';
import type { Results } from './results.ts';

/** What is assumed, with its reason; whoever expects otherwise changes it here. */
const ASSUMED = {
  devices: { is: 100e6, why: 'online at the same time, one a user' },
  logins: { is: 10, why: 'logins a device and day, and as many logouts: a phone that comes and goes' },
  lookUps: { is: 200, why: 'users looked up a device and day: whom messages go to, and lists of contacts' },
  told: { is: 2, why: 'watches that are told of a change, on average' },
  peak: { is: 3, why: 'the busiest hour beside the average one' },
  devicesPerServer: { is: DEVICES_PER_SERVER, why: 'devices of a chat server' },
  keepAliveSeconds: { is: 10 / 3, why: 'between two keep-alives of a chat server, with a lease of 10 s' },
  shards: { is: 256, why: 'shards, some for each master' },
  history: { is: 100, why: 'ended sessions kept a user: --history-limit' },
  busy: { is: 0.5, why: 'how busy a core may be at the peak; a master has one' },
  nodeGB: { is: 16, why: 'memory that a master may fill' },
};
const DAY = 86_400;

type Line = [what: string, much: number, unit: string, how: string];

/** The plan as Markdown: assumptions, traffic, unit costs, and what is needed. */
export function planOf(results: Results): string {
  const is = Object.fromEntries(Object.entries(ASSUMED).map(([name, each]) => [name, each.is])) as Record<
    keyof typeof ASSUMED,
    number
  >;
  const perSecond = (aDay: number) => (is.devices * aDay * is.peak) / DAY;
  const rates = {
    changes: perSecond(2 * is.logins),
    lookUps: perSecond(is.lookUps),
    told: perSecond(2 * is.logins) * is.told,
    keepAlives: is.devices / is.devicesPerServer / is.keepAliveSeconds,
  };
  const cost = unitCosts(results, is.shards);
  const micro = 1e-6;

  const reading = rates.changes * cost.daemon.read * micro;
  const ofIdle = cost.daemon.idle * micro;
  const calls =
    (rates.changes * cost.daemon.change +
      rates.lookUps * cost.daemon.lookUp +
      rates.keepAlives * cost.daemon.keepAlive) *
    micro;
  const telling = rates.told * cost.daemon.tell * micro;
  const daemons = Math.ceil(calls / (is.busy - ofIdle));
  const room = is.busy - ofIdle - reading;
  const watching = room > 0 ? Math.ceil(telling / room) : Number.NaN;
  const all = daemons + (watching || 1);

  const ofMasters: [string, number][] = [
    ['changes', rates.changes * cost.redis.change * cost.redis.clusterFactor * micro],
    ['look-ups', rates.lookUps * cost.redis.lookUp * micro],
    ['keep-alives', rates.keepAlives * cost.redis.keepAlive * micro],
    ['sweeps of all daemons', all * cost.redis.idle * micro],
    [
      'changes told to the daemons with watches',
      (watching || 1) * rates.changes * Math.max(cost.redis.read, 0) * micro,
    ],
  ];
  const masterCores = ofMasters.reduce((sum, [, cores]) => sum + cores, 0);
  const sessionsGB = (is.devices * cost.bytes.device) / 1e9;
  const historyGB = (is.devices * is.history * cost.bytes.history) / 1e9;
  const byCpu = Math.ceil(masterCores / is.busy);
  const byMemory = Math.ceil((sessionsGB + historyGB) / is.nodeGB);
  const masters = Math.max(byCpu, byMemory);
  const replicaCores = rates.changes * cost.redis.replica * micro;

  const megabytes = (count: number, bytes: number) => (count * bytes) / 1e6;
  const need: Line[] = [
    ['daemons for calls', daemons, '', `${short(calls)} cores of work`],
    [
      ...(['daemons for watches', watching, ''] as const),
      `${short(telling)} cores to tell; each also hears all changes, ${short(reading)} of a core`,
    ],
    ...ofMasters.map(([what, cores]): Line => [`masters: ${what}`, cores, 'cores', '']),
    ['masters by CPU', byCpu, '', `${short(masterCores)} cores of work`],
    [
      'masters by memory',
      byMemory,
      '',
      `${short(sessionsGB)} GB of sessions, ${short(historyGB)} GB of history`,
    ],
    ['replicas', masters, '', `${short(replicaCores)} cores of work, and the memory once more`],
    [
      'cores at the peak, in use',
      calls + telling + all * ofIdle + (watching || 0) * reading + masterCores + replicaCores,
      'cores',
      '',
    ],
    ['memory of Redis, with replicas', 2 * (sessionsGB + historyGB), 'GB', ''],
    [
      'callers to daemons',
      megabytes(rates.changes, cost.wire.in) + megabytes(rates.lookUps, cost.wire.lookIn),
      'MB/s',
      '',
    ],
    [
      ...([
        'daemons to callers',
        megabytes(rates.changes, cost.wire.out) + megabytes(rates.lookUps, cost.wire.lookOut),
      ] as const),
      ...(['MB/s', ''] as const),
    ],
    [
      'daemons to watchers',
      megabytes(rates.told, cost.wire.told),
      'MB/s',
      `${short(cost.wire.told)} bytes a told change`,
    ],
    [
      'daemons to Redis and back',
      megabytes(rates.changes, cost.wire.redis) + megabytes(rates.lookUps, cost.wire.lookRedis),
      'MB/s',
      '',
    ],
    [
      'masters to replicas',
      megabytes(rates.changes, cost.wire.replica),
      'MB/s',
      `${short(cost.wire.replica)} bytes a change`,
    ],
  ];
  const traffic: Line[] = [
    ['changes', rates.changes, '/s', ''],
    ['look-ups', rates.lookUps, '/s', ''],
    ['told changes', rates.told, '/s', ''],
    ['keep-alives', rates.keepAlives, '/s', `${is.devices / is.devicesPerServer} chat servers`],
  ];
  return [
    table(
      ['assumed', ''],
      Object.values(ASSUMED).map(({ is: much, why }) => [why, much.toLocaleString('en')]),
    ),
    table(['traffic at the peak', '', ''], traffic.map(cells)),
    table(['unit cost, measured', '', ''], unitLines(cost, is.shards).map(cells)),
    table(['needed', '', ''], need.map(cells)),
  ].join('\n');
}

/** Microseconds of CPU, and bytes. */
function unitCosts(results: Results, shards: number) {
  const of = (kind: string, who: string) =>
    results.value('shards', `${kind}, ${shards} shards`, `µs CPU of ${who}`);
  const told = (what: string, unit: string) => {
    const row = results
      .rowsOf('told')
      .find(
        (each) => each.row.startsWith(what) && each.row.endsWith(`, ${shards} shards`) && each.unit === unit,
      );
    if (row === undefined) throw new Error(`no figure of told: ${what}, ${shards} shards`);
    return row.value.median;
  };
  // Ten watchers: an entry is read once and told ten times.
  const ten = told('told to 10 ', 'µs CPU of the daemon/told');
  const read = Math.max(0, told('read for', 'µs CPU of the daemon/change'));
  const changes = 'changes by Apply, 256 a batch';
  const [onOne, onCluster] = ['one Redis, 3 daemons', 'cluster of 3 masters, 3 replicas, 3 daemons'].map(
    (setup) => results.value('daemons', `${changes}, ${setup}`, 'µs CPU of the masters'),
  ) as [number, number];
  const wire = (row: string) => results.value('wire', row, 'bytes');
  const [change, lookUp] = ['change, 256 a batch', 'look-up, 500 a batch'];
  return {
    daemon: {
      change: of('change', 'the daemon'),
      lookUp: of('look-up', 'the daemon'),
      keepAlive: of('keep-alive', 'the daemon'),
      idle: of('second without calls', 'the daemon'),
      read,
      tell: Math.max(0, ten - read / 10),
    },
    redis: {
      change: of('change', 'Redis'),
      lookUp: of('look-up', 'Redis'),
      keepAlive: of('keep-alive', 'Redis'),
      idle: of('second without calls', 'Redis'),
      read: Math.max(0, told('read for', 'µs CPU of Redis/change')),
      clusterFactor: onCluster / onOne,
      replica: results.value(
        'daemons',
        `${changes}, cluster of 3 masters, 3 replicas, 3 daemons`,
        'µs CPU of the replicas',
      ),
    },
    bytes: {
      device: results.value('bytes', 'online device, of a lease', 'bytes'),
      history: results.value('bytes', 'session in the history, one of', 'bytes'),
      ledger: results.value('bytes', 'change in the ledger', 'bytes'),
    },
    wire: {
      in: wire(`${change}: caller to daemon`),
      out: wire(`${change}: daemon to caller`),
      redis: wire(`${change}: daemon to Redis`) + wire(`${change}: Redis to daemon`),
      replica: wire(`${change}: Redis to a replica`),
      lookIn: wire(`${lookUp}: caller to daemon`),
      lookOut: wire(`${lookUp}: daemon to caller`),
      lookRedis: wire(`${lookUp}: daemon to Redis`) + wire(`${lookUp}: Redis to daemon`),
      told: told('told to 10 ', 'bytes/told'),
    },
  };
}

function unitLines({ daemon, redis, bytes }: ReturnType<typeof unitCosts>, shards: number): Line[] {
  const at = `with ${shards} shards`;
  return [
    ['change: daemon', daemon.change, 'µs', at],
    [
      'change: master',
      redis.change * redis.clusterFactor,
      'µs',
      `${at}, ${short(redis.clusterFactor)} times as much in a cluster`,
    ],
    ['change: replica', redis.replica, 'µs', ''],
    ['look-up: daemon', daemon.lookUp, 'µs', at],
    ['look-up: master', redis.lookUp, 'µs', at],
    ['told change: daemon', daemon.tell, 'µs', `${at}, beside the hearing of it`],
    ['change heard: daemon', daemon.read, 'µs', 'each daemon that has watches hears each change'],
    ['change heard: master', redis.read, 'µs', ''],
    ['keep-alive: daemon', daemon.keepAlive, 'µs', at],
    ['keep-alive: masters', redis.keepAlive, 'µs', at],
    ['a second of a daemon without calls: daemon', daemon.idle, 'µs', at],
    ['a second of a daemon without calls: masters', redis.idle, 'µs', at],
    ['online device', bytes.device, 'bytes', ''],
    ['ended session in the history', bytes.history, 'bytes', ''],
    ['change in the ledger', bytes.ledger, 'bytes', 'as many as --change-limit says'],
  ];
}

function cells([what, much, unit, how]: Line): string[] {
  const figure = Number.isInteger(much) ? much.toLocaleString('en') : short(much);
  return [what, Number.isNaN(much) ? 'not possible' : `${figure} ${unit}`.trim(), how];
}

function table(head: string[], lines: string[][]): string {
  return [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |\n`).join('');
}
