import { expect, test } from 'vitest';
import { renderRows, wrapCommand, wrapLines } from '../../../../src/cli/help/layout.ts';

test('meanings stand beside their labels, and a long label has a line of its own', () => {
  const rows = [
    ['--port=PORT', 'port to listen on; 0 picks a free one [default: 8080]'],
    ['--a-flag-with-a-very-long-name=VALUE', 'its meaning'],
  ];
  expect(renderRows(rows, 60).split('\n')).toEqual([
    '--port=PORT  port to listen on; 0 picks a free one',
    '             [default: 8080]',
    '--a-flag-with-a-very-long-name=VALUE',
    '             its meaning',
  ]);
});

test('on a narrow terminal meanings stand below their labels', () => {
  const rows = [['    --session-length=TIME', 'mean length of a session [default: 30s]']];
  expect(renderRows(rows, 38).split('\n')).toEqual([
    '--session-length=TIME',
    '    mean length of a session',
    '    [default: 30s]',
  ]);
});

test('a note that is longer than a line is broken between its words', () => {
  const [, ...lines] = renderRows([['--x', '[default: the host of the address]']], 24).split('\n');
  expect(lines).toEqual(['    [default: the host', '    of the address]']);
});

test('lines are wrapped by columns, each by itself', () => {
  expect(wrapLines('one two three\n\nfour', 8)).toBe('one two\nthree\n\nfour');
  expect(wrapLines('在线 离线 在线', 9)).toBe('在线 离线\n在线');
});

test('a command breaks between its words, and can be pasted', () => {
  const command = `$ imstate simulate --seed 1 --assert 'p99 < 50ms' --duration 20s`;
  expect(wrapCommand(command, 40).split('\n')).toEqual([
    '$ imstate simulate --seed 1 \\',
    `    --assert 'p99 < 50ms' \\`,
    '    --duration 20s',
  ]);
});
