import { expect, test } from 'vitest';

const { toCsv } = await import(new URL('../../../console/core/csv.js', import.meta.url).href);

test('quotes separators, quotes and line breaks, and ends lines as RFC 4180 says', () => {
  const rows = [
    { a: 'x', b: 'with, comma' },
    { a: 'say "hi"', b: 'two\nlines' },
  ];
  expect(toCsv(rows)).toBe('a,b\r\nx,"with, comma"\r\n"say ""hi""","two\nlines"\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1', '＋1', '－1', '＠1'])(
  'does not let a spreadsheet run %j',
  (text) => {
    const line = toCsv([{ a: text }]).slice('a\r\n'.length);
    expect(line.replace(/^"/, '').startsWith("'")).toBe(true);
  },
);

test('writes every key of any row, objects as JSON, and nothing for a missing value', () => {
  const rows = [
    { userId: 'alice', reason: null, online: true },
    { userId: 'bob', metadata: { app: '1,0' } },
  ];
  expect(toCsv(rows)).toBe('userId,reason,online,metadata\r\nalice,,true,\r\nbob,,,"{""app"":""1,0""}"\r\n');
});
