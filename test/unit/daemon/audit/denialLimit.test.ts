import { expect, test } from 'vitest';
import { DenialLimit } from '../../../../src/daemon/audit/denialLimit.ts';

const MINUTE = 60_000;

function limited() {
  const records: [denial: string, omitted: number][] = [];
  return { limit: new DenialLimit<string>((denial, omitted) => records.push([denial, omitted])), records };
}

test('records the first of a kind at once, and the number of the others at the end of the pause', () => {
  const { limit, records } = limited();
  for (let i = 0; i < 500; i++) limit.note('a', `a${i}`, 0);
  limit.note('b', 'b', 0);
  expect(records).toEqual([
    ['a0', 0],
    ['b', 0],
  ]);
  limit.flush(9 * MINUTE);
  expect(records).toHaveLength(2);
  limit.flush(10 * MINUTE);
  expect(records.slice(2)).toEqual([['a499', 498]]);
  limit.note('a', 'again', 10 * MINUTE);
  limit.note('b', 'b again', 10 * MINUTE);
  limit.flush(20 * MINUTE);
  expect(records.slice(3)).toEqual([
    ['b again', 0],
    ['again', 0],
  ]);
});

test('records a hundred in an hour from however many callers, and counts the rest', () => {
  const { limit, records } = limited();
  for (let i = 0; i < 5_000; i++) limit.note(`caller ${i}`, `${i}`, i);
  for (let minute = 0; minute < 59; minute++) limit.flush(minute * MINUTE);
  expect(records).toHaveLength(100);
  limit.flush(61 * MINUTE);
  expect(records.slice(100)).toEqual([['4999', 4_899]]);
});

test('counts nothing twice when it closes', () => {
  const { limit, records } = limited();
  for (let i = 0; i < 300; i++) for (let n = 0; n < 4; n++) limit.note(`caller ${i}`, `${i}`, 0);
  limit.close(1);
  const noted = records.reduce((sum, [, omitted]) => sum + 1 + omitted, 0);
  expect(noted).toBe(1_200);
  expect(records).toHaveLength(101);
  limit.close(2);
  expect(records).toHaveLength(101);
});
