import { expect, test } from 'vitest';
import { declareConstants, SCRIPT_CONSTANTS } from '../../../../src/store/redis/scriptConstants.ts';

test('a script gets the constants that it uses, as Lua', () => {
  const script = 'return { REPLACE_ALL, OP_ONLINE, DEVICE_ARGUMENTS, OTHER_PLATFORM, EXPIREDS }';
  expect(declareConstants(script, SCRIPT_CONSTANTS).split('\n')).toEqual([
    'local REPLACE_ALL = 2',
    'local OP_ONLINE = 43',
    "local DEVICE_ARGUMENTS = '^.([^\\031]*)\\031([^\\031]*)\\031$'",
    "local OTHER_PLATFORM = 'other'",
    '',
  ]);
});

test('quotes and backslashes are escaped', () => {
  expect(declareConstants('A', { A: `it's \\ "so"` })).toBe(`local A = 'it\\039s \\092 "so"'\n`);
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
    KEEP_ALL: 0,
    REPLACE_SAME_PLATFORM: 1,
    REPLACE_ALL: 2,
    BUCKETS: 64,
    CHANGE_WAS_ONLINE: 1,
    CHANGE_BEGAN: 2,
    CHANGE_ENDED: 4,
  });
});
