import { expect, test } from 'vitest';
import { NO_DETAILS } from '../../../../src/presence/details.ts';
import { KEEP_ALL } from '../../../../src/presence/policyPresets.ts';
import type { Login } from '../../../../src/presence/sessions.ts';
import type { CommandReply } from '../../../../src/store/redis/command.ts';
import { decodeLoginResult, encodeLogin, onlineCommand } from '../../../../src/store/redis/online.ts';
import { context, pack, textsOf } from './pack.ts';

const login: Login = {
  userId: 'alice',
  deviceId: 'phone',
  sessionId: 's1',
  serverAddr: '10.0.0.1:9000',
  platform: 'ios',
  ttlMs: 30_000,
  metadata: {},
  details: NO_DETAILS,
  policy: KEEP_ALL,
  incarnation: 7,
  resentLoginTimeMs: 0,
  isNewSessionId: true,
};

const decode = (reply: CommandReply) => decodeLoginResult(reply, KEEP_ALL, 9, context);

test('a login is its letter and its arguments, each of which ends', () => {
  expect(encodeLogin(login, 2).split('\x1f')).toEqual([
    '+alice',
    'phone',
    's1',
    '10.0.0.1:9000',
    'ios',
    '30000',
    '7',
    '0',
    '0',
    '1',
    '',
    '',
  ]);
  expect(encodeLogin({ ...login, metadata: { v: '1' } }, 2)).toContain('\x1f{"v":"1"}\x1f');
});

test('details follow the metadata as fields', () => {
  const details = { clientIp: '203.0.113.7', label: 'x', appVersion: '1' };
  expect(encodeLogin({ ...login, details }, 2)).toContain('\x1f\x1dicb007107\x1dlx\x1dv1\x1f');
  // Before 0.2.0, what follows the texts of a record is metadata.
  expect(encodeLogin({ ...login, details }, 1)).toContain('\x1f{}\x1dicb007107\x1dlx\x1dv1\x1f');
  const named = { ...login, metadata: { v: '1' }, details: { ...NO_DETAILS, label: 'x' } };
  expect(encodeLogin(named, 1)).toContain('\x1f{"v":"1"}\x1dlx\x1f');
});

test('a number is the time of a login that ended nothing', () => {
  expect(decode(1_000)).toEqual({
    loginTimeMs: 1_000,
    replaced: [],
    endReason: undefined,
    rejection: undefined,
  });
});

const tablet = pack(
  ['tablet', 'length - 1'],
  ['s0', 'length - 1'],
  ['10.0.0.2:9000', 'length'],
  ['', 'length'],
);
const replaced = [{ deviceId: 'tablet', sessionId: 's0', serverAddr: '10.0.0.2:9000' }];

test('the sessions that a login ended follow its time', () => {
  const reply = textsOf(Buffer.concat([pack([1_000, 6], [0, 1]), tablet]));
  expect(decode(reply)).toEqual({ loginTimeMs: 1_000, replaced, endReason: undefined, rejection: undefined });
});

test('a session that had ended has its reason', () => {
  expect(decode(textsOf(pack([0, 6], [5, 1])))).toEqual({
    loginTimeMs: 0,
    replaced: [],
    endReason: 'EVICTED',
    rejection: undefined,
  });
});

test('a user with too many devices is an error that names the limit', () => {
  expect(() => decode(textsOf(pack([0, 6], [255, 1])))).toThrow('9 devices online');
});

test('a login in parts names the sessions of all of them', () => {
  const command = onlineCommand(login, { maxDevices: 9, featureLevel: 2 });
  const before = command.readReply(textsOf(Buffer.concat([pack([0, 6], [0, 1]), tablet])), context);
  expect(command.merge?.(before, command.readReply(1_000, context))).toEqual({
    loginTimeMs: 1_000,
    replaced,
    endReason: undefined,
    rejection: undefined,
  });
});
