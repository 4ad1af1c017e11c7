import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LIMITS } from '../../src/presence/limits.ts';

const [limits = ''] = readFileSync('docs/limits.md', 'utf8').split('\n## ');
const flags = readFileSync('docs/flags.md', 'utf8');

/** The row of the page for a limit. */
const rows = Object.values(LIMITS).map((limit) => {
  const { max, unit, what, beyond, reason } = limit;
  const flag = 'flag' in limit ? ` (\`--${limit.flag}\`)` : '';
  return `| ${what}${flag} | ${amount(max, unit)} | ${beyond} | ${reason} |`;
});

test('lists exactly the limits of the code in docs/limits.md', () => {
  const table = limits
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);
  expect(table).toEqual(rows);
});

test('links to the limits in docs/flags.md, and lists their flags', () => {
  expect(flags).toContain('](limits.md)');
  for (const limit of Object.values(LIMITS))
    if ('flag' in limit) expect(flags).toContain(`\`--${limit.flag}\``);
});

function amount(max: number, unit: string): string {
  if (unit === 'ms') return `${max / 1_000} s`;
  if (unit === 'bytes' && max >= 2 ** 20) return `${max / 2 ** 20} MiB`;
  return `${max.toLocaleString('en')} ${unit}`;
}
