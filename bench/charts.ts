// The charts of docs/benchmarks, drawn from the tables of the generated pages.
import { barChart } from './barChart.ts';
import { lineChart } from './lineChart.ts';
import { numberIn, type TableRow } from './tables.ts';

/** Reads a generated page. */
type ReadRows = (page: string) => TableRow[];

/** Each chart by its file name. */
export const CHARTS: Record<string, (rowsOfPage: ReadRows) => string> = {
  unary: (rowsOfPage) => unaryChart(rowsOfPage('unary')),
  profile: (rowsOfPage) => profileChart(rowsOfPage('profile')),
  batches: (rowsOfPage) => batchesChart(rowsOfPage('apply'), rowsOfPage('batch')),
  growth: (rowsOfPage) => growthChart(rowsOfPage('growth')),
};

const MEDIAN_RATIO_BOUND = 1.3;

/** Calls per CPU second of imstate and of the servers that it is compared with. */
function unaryChart(rows: TableRow[]): string {
  const panels = ['QueryUserStatus', 'Online'].map((method) => {
    const ofMethod = rows.filter(
      ({ measurement, unit }) => measurement === method && unit === 'calls/CPU s of the server',
    );
    const own = { name: 'imstate', value: numberIn(ofMethod[0]?.measured) };
    return { title: `${method}: calls per CPU second`, bars: [own, ...ofMethod.map(referenceBar)] };
  });
  return barChart(panels);
}

/** Microseconds of a login by component, and of the same call on the bare server. */
function profileChart(rows: TableRow[]): string {
  const ofLogin = rows.filter(({ measurement }) => measurement?.startsWith('Online: '));
  const bars = (column: string) =>
    ofLogin
      .filter((row) => row[column] !== '')
      .map((row) => ({ name: nameOf(row), value: numberIn(row[column]) }));
  return barChart([
    { title: 'imstate, Online: µs per call', bars: bars('measured') },
    { title: 'bare grpc-js server: µs per call', bars: bars('reference') },
  ]);
}

function nameOf({ measurement = '' }: TableRow): string {
  return measurement.replace('Online: ', '').replace(', timers, promises', '');
}

/** Operations per CPU second of the daemon, one per call and in batches. */
function batchesChart(apply: TableRow[], batch: TableRow[]): string {
  const perCpuSecond = (rows: TableRow[]) =>
    rows.filter(({ unit }) => unit?.endsWith('/CPU s of the daemon') === true);
  const panel = (title: string, rows: TableRow[], call: string) => ({
    title,
    bars: [
      ...rows.slice(0, 1).map(referenceBar),
      ...rows.map((row) => ({ name: `${call}: ${row.measurement}`, value: numberIn(row.measured) })),
    ],
  });
  return barChart([
    panel('changes per CPU second', perCpuSecond(apply), 'Apply'),
    panel('lookups per CPU second', perCpuSecond(batch), 'BatchGetUsers'),
  ]);
}

/** The bar of what a row is compared with. */
function referenceBar({ reference = '' }: TableRow): { name: string; value: number } {
  return { name: reference.replace(/^\S+ /, ''), value: numberIn(reference) };
}

/** Median latency and memory by the number of online devices, compared with the smallest number. */
function growthChart(rows: TableRow[]): string {
  const smallest = numberIn(/with (\S+) devices/.exec(rows[0]?.reference ?? '')?.[1]);
  const lines = ['Online', 'Offline', 'GetUser', 'BatchGetUsers'].map((name) => {
    const larger = rows.filter(({ measurement }) => measurement?.startsWith(`${name}, p50, `));
    const points = larger.map((row) => [devicesOf(row), medianRatio(row)] as const);
    return { name, points: [[smallest, 1] as const, ...points] };
  });
  const memory = rows.filter(({ measurement }) => measurement?.startsWith('memory, '));
  const bytes = memory.map((row) => [devicesOf(row), numberIn(row.measured)] as const);
  const points = [[smallest, numberIn(memory[0]?.reference)] as const, ...bytes];
  return lineChart('devices online', [
    {
      title: `median latency relative to ${smallest.toLocaleString('en')} devices`,
      lines,
      max: 1.6,
      bound: MEDIAN_RATIO_BOUND,
    },
    { title: 'bytes in Redis per device', lines: [{ name: 'memory', points }], max: 320 },
  ]);
}

function devicesOf({ measurement = '' }: TableRow): number {
  return numberIn(/([\d,]+) devices$/.exec(measurement)?.[1]);
}

function medianRatio(row: TableRow): number {
  return numberIn(row['ratio: min / median / max']?.split(' / ')[1]);
}
