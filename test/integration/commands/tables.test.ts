import { expect, test } from 'vitest';
import { widthOf } from '../../../src/cli/output/width.ts';
import { TestTerminal } from '../../support/terminal.ts';
import { testCli } from '../../support/testCli.ts';

const cli = testCli();
const device = `tablet-of-${'a'.repeat(50)}`;

async function query(columns: number, env: Record<string, string | undefined> = {}): Promise<string> {
  await cli.run('online', 'alice', device, '--server-addr', '10.0.0.1:9000', '--platform', 'ios');
  const from = { IMSTATE_DATA_DIR: cli.daemon.dataDir, NO_COLOR: undefined, ...env };
  const terminal = await TestTerminal.start(['query', 'alice'], { columns, rows: 24 }, from);
  expect(await terminal.ended).toBe(0);
  return (await terminal.shows(/alice is online[\s\S]*Z/)).join('\n');
}

test('draws a table if it fits', async () => {
  expect(await query(200)).toMatch(new RegExp(`│ ${device} +│ ios +│ online +│ - +│ 10\\.0\\.0\\.1:9000 +│`));
});

test('stacks the titles of a cell if separate columns are too wide', async () => {
  expect(await query(140)).toMatch(
    new RegExp(`│ ${device} +│ online +│ 10\\.0\\.0\\.1:9000 +│.*│\\n│ ios +│ `),
  );
});

test('keeps each line of a stacked cell below its title if an earlier one is empty', async () => {
  const login = ['online', 'labelled', 'phone', '--server-addr', '10.0.0.1:9000', '--app-version', '4.2.1'];
  await cli.run(...login);
  const from = { IMSTATE_DATA_DIR: cli.daemon.dataDir, NO_COLOR: undefined };
  const terminal = await TestTerminal.start(['query', 'labelled'], { columns: 80, rows: 24 }, from);
  expect(await terminal.ended).toBe(0);
  const shown = (await terminal.shows(/labelled is online[\s\S]*Z/)).join('\n');
  const first = [...shown.matchAll(/^│ (\S+)/gm)].map(([, text]) => text);
  const titles = ['Device', 'Platform', 'Label', 'Client', 'App'];
  expect(first).toEqual([...titles, 'phone', '-', '-', '-', '4.2.1']);
});

test('prints a row as a block of lines on a narrow terminal', async () => {
  expectBlocks(await query(80));
});

test('aligns a table with new emoji and invisible characters', async () => {
  const names = ['🫠🫠🫠', '👩\u200d👧', 'a\u200b\u202eb', '手机', 'plain'];
  for (const name of names) {
    await cli.run('online', 'emoji', name, '--server-addr', '10.0.0.1:9000', '--platform', '🪿');
  }
  const from = { IMSTATE_DATA_DIR: cli.daemon.dataDir, NO_COLOR: undefined };
  const terminal = await TestTerminal.start(['query', 'emoji'], { columns: 250, rows: 40 }, from);
  expect(await terminal.ended).toBe(0);
  const lines = terminal.output.split(/\r?\n/).filter((line) => /[│─]/.test(line));
  expect(lines.length).toBeGreaterThan(names.length);
  expect(new Set(lines.map((line) => widthOf(line))).size).toBe(1);
  expect(terminal.output).toContain('a\\u200b\\u202eb');
  expect(terminal.output).not.toMatch(/\u200b|\u200d|\u202e/);
});

test('NO_COLOR also disables tables', async () => {
  expect(await query(200, { NO_COLOR: '1' })).toMatch(
    new RegExp(`^${device} +ios +online +- +10\\.0\\.0\\.1:9000 `, 'm'),
  );
});

test('NO_COLOR respects the width of the terminal', async () => {
  expectBlocks(await query(80, { NO_COLOR: '1' }));
});

function expectBlocks(shown: string): void {
  expect(shown).not.toContain('│');
  expect(shown).toMatch(
    new RegExp(`^Device +${device}\nPlatform +ios\nStatus +online\nChat server +10\\.0\\.0\\.1:9000$`, 'm'),
  );
}
