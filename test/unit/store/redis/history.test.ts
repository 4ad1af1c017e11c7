import { expect, test } from 'vitest';
import { readPastSession } from '../../../../src/store/redis/history.ts';
import { pack } from './pack.ts';

test('an entry of the history is read as scripts/history.lua packs it', () => {
  const entry = pack(
    [4, 1],
    [1_700_000_000_000, 6],
    [1_700_000_060_000, 6],
    ['phöne', 'length - 1'],
    ['s1', 'length - 1'],
    ['10.0.0.1:9000', 'length'],
    ['', 'length'],
  );
  expect(readPastSession(entry)).toEqual({
    deviceId: 'phöne',
    sessionId: 's1',
    serverAddr: '10.0.0.1:9000',
    platform: '',
    loginTimeMs: 1_700_000_000_000,
    endTimeMs: 1_700_000_060_000,
    endReason: 'SERVER_LOST',
  });
});
