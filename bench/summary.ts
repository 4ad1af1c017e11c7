// The summary tables of docs/performance.md and docs/scale.md: the most important rows of the generated
// pages.
import { markdownTable, type TableRow } from './tables.ts';

/** A row of a generated page, and how the summary names it. */
interface SummaryRow {
  name: string;
  page: string;
  measurement: string;
  unit: string;
  /** Distinguishes rows that differ only in what they are compared with. */
  reference?: string;
}

const CALLS = 'calls/CPU s of the server';
const BARE_SERVER = 'bare grpc-js server';

/** The summary of docs/performance.md. */
export const PERFORMANCE: SummaryRow[] = [
  { name: '`imstate query`, from start to exit', page: 'startup', measurement: 'imstate query', unit: 'ms' },
  {
    name: 'unary query',
    page: 'unary',
    measurement: 'QueryUserStatus',
    unit: CALLS,
    reference: BARE_SERVER,
  },
  { name: 'unary login', page: 'unary', measurement: 'Online', unit: CALLS, reference: BARE_SERVER },
  { name: 'unary login', page: 'unary', measurement: 'Online', unit: CALLS, reference: 'legacy layout' },
  {
    name: 'logins and logouts in batches of 256',
    page: 'apply',
    measurement: 'logins and logouts',
    unit: 'changes/CPU s of the daemon',
  },
  {
    name: 'logins and logouts in batches of 256, cost in Redis',
    page: 'apply',
    measurement: 'logins and logouts',
    unit: 'µs CPU of Redis/change',
    reference: 'redis-benchmark -P 16, legacy HSET and EXPIRE',
  },
  {
    name: 'lookups in batches of 500',
    page: 'batch',
    measurement: 'concurrent calls',
    unit: 'lookups/CPU s of the daemon',
  },
  { name: 'one batch of 500 lookups', page: 'batch', measurement: 'one call at a time', unit: 'ms' },
  { name: 'memory in Redis per online device', page: 'bytes', measurement: 'online device', unit: 'bytes' },
  {
    name: 'heap after ten minutes of load',
    page: 'memory',
    measurement: 'heap after garbage collection',
    unit: 'MB',
  },
  {
    name: 'login latency with 10 million devices',
    page: 'growth',
    measurement: 'Online, p50, 10,000,000 devices',
    unit: 'ms',
  },
  {
    name: 'query latency while 100,000 sessions end',
    page: 'sweep',
    measurement: 'GetUser while sessions end, p99',
    unit: 'ms',
  },
];

const ON_ONE_REDIS = 'changes by Apply, batches of 256, one Redis, 3 daemons';
const ON_CLUSTER = 'changes by Apply, batches of 256, cluster of 3 masters, 3 replicas, 3 daemons';
const TEN_WATCHERS = 'delivered to 10 watchers of everything, 1000 changes/s, 256 shards';

/** The summary of docs/scale.md. */
export const SCALE: SummaryRow[] = [
  {
    name: 'changes, 3 daemons on one Redis',
    page: 'daemons',
    measurement: ON_ONE_REDIS,
    unit: '/CPU s of the daemons',
  },
  {
    name: 'change, 3 daemons on a cluster',
    page: 'daemons',
    measurement: ON_CLUSTER,
    unit: 'µs CPU of the masters',
  },
  {
    name: 'change, 256 shards',
    page: 'shards',
    measurement: 'change, 256 shards',
    unit: 'µs CPU of the daemon',
  },
  { name: 'change, 256 shards', page: 'shards', measurement: 'change, 256 shards', unit: 'µs CPU of Redis' },
  {
    name: 'lookup, 256 shards',
    page: 'shards',
    measurement: 'lookup, 256 shards',
    unit: 'µs CPU of Redis',
  },
  {
    name: 'keep-alive, 256 shards',
    page: 'shards',
    measurement: 'keep-alive, 256 shards',
    unit: 'µs CPU of the daemon',
  },
  {
    name: 'idle second of a daemon, 256 shards',
    page: 'shards',
    measurement: 'idle second, 256 shards',
    unit: 'µs CPU of the daemon',
  },
  {
    name: 'delivery to one of 10 watchers, 256 shards',
    page: 'delivery',
    measurement: TEN_WATCHERS,
    unit: 'µs CPU of the daemon/delivery',
  },
  {
    name: 'delivery to one of 10 watchers, 256 shards',
    page: 'delivery',
    measurement: TEN_WATCHERS,
    unit: 'bytes/delivery',
  },
  {
    name: 'change, from a master to a replica',
    page: 'wire',
    measurement: 'change, batches of 256: Redis to a replica',
    unit: 'bytes',
  },
];

/** A summary as Markdown; `rowsOfPage` reads a generated page. */
export function summaryOf(rows: SummaryRow[], rowsOfPage: (page: string) => TableRow[]): string {
  const cells = rows.map((row) => {
    const found = rowsOfPage(row.page).find((each) => isRow(each, row));
    if (found === undefined) {
      throw new Error(`${row.page} has no row ${row.measurement} (${row.unit}): run this part in full`);
    }
    const { measured, reference = '', 'ratio: min / median / max': ratio = '' } = found;
    const details = `[${row.page}](benchmarks/${row.page}.md)`;
    return [row.name, `${measured} ${row.unit}`, reference, ratio.split(' / ')[1] ?? '', details];
  });
  return markdownTable(['what', 'measured', 'compared with', 'ratio', 'details'], cells);
}

function isRow(row: TableRow, { measurement, unit, reference }: SummaryRow): boolean {
  const isSame = row.measurement === measurement && row.unit === unit;
  return isSame && (reference === undefined || row.reference?.endsWith(` ${reference}`) === true);
}

/** The rows of the plan that docs/scale.md shows. */
const PLAN_ROWS = [
  'daemons for calls',
  'daemons for watches',
  'masters by CPU',
  'masters by memory',
  'replicas',
  'cores in use at the peak',
  'memory in Redis, with replicas',
  'daemons to watchers',
];

/** The summary of the plan as Markdown. */
export function planSummaryOf(rows: TableRow[]): string {
  const cells = PLAN_ROWS.map((name) => {
    const found = rows.find(({ needed }) => needed === name);
    if (found === undefined) throw new Error(`the plan has no row ${name}`);
    return [name, found.amount ?? '', found.explanation ?? ''];
  });
  return markdownTable(['needed', 'amount', 'explanation'], cells);
}
