import { expect, test } from 'vitest';
import { NO_DETAILS } from '../../../../src/presence/details.ts';
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
    details: NO_DETAILS,
    reasonText: '',
  });
});

test('an entry of the history may have fields', () => {
  const entry = pack(
    [5, 1],
    [1_000, 6],
    [2_000, 6],
    ['phone', 'length - 1'],
    ['s1', 'length - 1'],
    ['a:1', 'length'],
    ['', 'length'],
  );
  const fields = Buffer.from('n\x02\xcb\x00\x71l\x00xz\x01??r\x03gone', 'latin1');
  expect(readPastSession(Buffer.concat([entry, fields]))).toMatchObject({
    details: { clientIp: '203.0.113.0/24', label: 'x', appVersion: '' },
    reasonText: 'gone',
  });
});
