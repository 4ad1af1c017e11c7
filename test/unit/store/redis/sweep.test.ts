import { expect, test } from 'vitest';
import { addCounts } from '../../../../src/store/redis/sweep.ts';

test('the counts of the script are added by the number of the reason', () => {
  const ended = { LOGOUT: 1, REPLACED: 0, EXPIRED: 0, SERVER_LOST: 0, EVICTED: 10 };
  addCounts(ended, [1, 2, 3, 4, 5]);
  expect(ended).toEqual({ LOGOUT: 2, REPLACED: 2, EXPIRED: 3, SERVER_LOST: 4, EVICTED: 15 });
});
