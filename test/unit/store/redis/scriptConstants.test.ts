import { expect, test } from 'vitest';
import { inlineConstants, SCRIPT_CONSTANTS } from '../../../../src/store/redis/scriptConstants.ts';

test('a script gets the values of constants instead of their names', () => {
  const script = 'return { EVICTED, OP_ONLINE, DEVICE_ARGUMENTS, OTHER_PLATFORM, EXPIREDS, x.EVICTED_BY }';
  expect(inlineConstants(script, SCRIPT_CONSTANTS)).toBe(
    "return { 5, 43, '^.([^\\031]*)\\031([^\\031]*)\\031$', 'other', EXPIREDS, x.EVICTED_BY }",
  );
});

test('quotes and backslashes are escaped', () => {
  expect(inlineConstants('A', { A: `it's \\ "so"` })).toBe(`'it\\039s \\092 "so"'`);
});

test('numbers stored in Redis stay what they are', () => {
  expect(SCRIPT_CONSTANTS).toMatchObject({
    FLAG_ONLINE: 1,
    FLAG_TTL: 2,
    FLAG_GRACE: 4,
    FLAG_INCARNATION: 8,
    FLAG_METADATA: 16,
    LOGOUT: 1,
    REPLACED: 2,
    EXPIRED: 3,
    SERVER_LOST: 4,
    EVICTED: 5,
    BUCKETS: 64,
    CHANGE_WAS_ONLINE: 1,
    CHANGE_BEGAN: 2,
    CHANGE_ENDED: 4,
  });
});
