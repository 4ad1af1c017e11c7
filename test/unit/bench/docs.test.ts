import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHARTS } from '../../../bench/charts.ts';
import { makeRow, type Row } from '../../../bench/part.ts';
import { planPage } from '../../../bench/plan/page.ts';
import { planOf, trafficOf } from '../../../bench/plan/plan.ts';
import type { UnitCosts } from '../../../bench/plan/unitCosts.ts';
import { pageOf, type Report, replaceBlock } from '../../../bench/report.ts';
import { PERFORMANCE, planSummaryOf, SCALE, summaryOf } from '../../../bench/summary.ts';
import { BENCHMARKS, rowsOfPage, tableRows } from '../../../bench/tables.ts';

const MACHINE = {
  cpu: 'Test CPU',
  cores: 2,
  memoryGiB: 4,
  kernel: '6.1',
  node: 'v20.0.0',
  redis: '7.0.0',
  unaryLoad: 'h2load',
};

function reportOf(...rows: Row[]): Report {
  const named = rows.map((row) => ({ part: 'sample', ...row }));
  return { machine: MACHINE, startedAt: '2026-01-02T03:04:05Z', options: {}, rows: named };
}

function costsOf(daemon: Partial<UnitCosts['daemon']>): UnitCosts {
  const none = { change: 0, lookup: 0, keepAlive: 0, idleSecond: 0, readChange: 0 };
  const network = {
    changeRequest: 0,
    changeResponse: 0,
    changeRedis: 0,
    changeReplica: 0,
    lookupRequest: 0,
    lookupResponse: 0,
    lookupRedis: 0,
    delivery: 0,
  };
  return {
    daemon: { ...none, delivery: 0, ...daemon },
    redis: { ...none, clusterFactor: 1, replica: 0 },
    memory: { device: 0, historyEntry: 0, changeLogEntry: 0 },
    network,
  };
}

test('renders the page of a part with its rows, date and versions', () => {
  const row = makeRow({
    row: 'calls',
    unit: 'ms',
    values: [4, 2, 3],
    reference: { name: 'before', values: [2, 2, 2] },
    goal: { figure: 'ratio', atMost: 1 },
  });
  const page = pageOf({ name: 'sample', about: 'how long calls take' }, reportOf(row), [row]);
  expect(page).toContain('How long calls take.');
  expect(page).toContain(
    '- 2026-01-02\n- 2 cores (Test CPU), 4 GiB, Linux 6.1\n- Node.js v20.0.0, Redis 7.0.0',
  );
  expect(tableRows(page)).toEqual([
    {
      measurement: 'calls',
      unit: 'ms',
      measured: '3.00',
      reference: '2.00 before',
      'ratio: min / median / max': '1.00 / 1.50 / 2.00',
      goal: 'ratio ≤ 1',
      reached: 'NO',
    },
  ]);
});

test('replaces a block of a page, and rejects a missing block', () => {
  const page = 'before\n<!-- bench summary -->\nold\n<!-- end -->\nafter\n';
  expect(replaceBlock(page, 'summary', 'new $1\n')).toBe(
    'before\n<!-- bench summary -->\n\nnew $1\n\n<!-- end -->\nafter\n',
  );
  expect(() => replaceBlock(page, 'plan', '')).toThrow('the page has no block plan');
});

test('divides the load by the CPU time that a daemon may use', () => {
  const { changes } = trafficOf();
  const tenCores = { change: 10e6 / changes };
  expect(planOf(trafficOf(), costsOf(tenCores)).callDaemons).toBe(20);
  expect(planOf(trafficOf(), costsOf({ ...tenCores, idleSecond: 0.1e6 })).callDaemons).toBe(25);
});

test('states in the plan that one core cannot read all changes', () => {
  const { changes } = trafficOf();
  const rows = tableRows(planPage(costsOf({ readChange: 1e6 / changes })));
  expect(rows.find(({ needed }) => needed === 'daemons for watches')?.amount).toBe('not possible');
});

test('keeps the summaries in docs/ equal to the generated pages', () => {
  const performance = readFileSync('docs/performance.md', 'utf8');
  const scale = readFileSync('docs/scale.md', 'utf8');
  expect(replaceBlock(performance, 'summary', summaryOf(PERFORMANCE, rowsOfPage))).toBe(performance);
  expect(replaceBlock(scale, 'summary', summaryOf(SCALE, rowsOfPage))).toBe(scale);
  expect(replaceBlock(scale, 'plan', planSummaryOf(rowsOfPage('plan')))).toBe(scale);
});

test('keeps the charts in docs/benchmarks equal to the generated pages', () => {
  for (const [name, draw] of Object.entries(CHARTS)) {
    const chart = draw(rowsOfPage);
    expect(chart).not.toContain('NaN');
    expect(readFileSync(`${BENCHMARKS}/${name}.svg`, 'utf8')).toBe(chart);
  }
});

test('lists every generated page in docs/benchmarks/README.md', () => {
  const pages = readdirSync(BENCHMARKS).filter((name) => name.endsWith('.md') && name !== 'README.md');
  const readme = readFileSync(`${BENCHMARKS}/README.md`, 'utf8');
  expect(pages.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
});
