import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  chatServerJson,
  deviceJson,
  faultJson,
  historyEntryJson,
  loginJson,
  routeJson,
  sessionJson,
  userJson,
  watchEventJson,
} from '../../../packages/client/src/json.ts';
import { ImstateError } from '../../../packages/client/src/shared/errors.ts';

const time = new Date('2026-11-23T06:01:48.123Z');
const ISO = '2026-11-23T06:01:48.123Z';
const serverAddr = '10.0.0.1:9000';
const lease = {
  state: 'ALIVE' as const,
  incarnation: 7,
  ttlMs: 10_000,
  expireTime: time,
  drainDeadline: undefined,
};
const explanation = {
  ttlMs: 60_000,
  expireTime: time,
  graceEndTime: undefined,
  forgetTime: undefined,
  lease,
};
const device = {
  deviceId: 'phone',
  online: true,
  sessionId: 's-1',
  serverAddr,
  platform: undefined,
  loginTime: time,
  lastSeen: time,
  logoutTime: undefined,
  reason: undefined,
  reasonText: undefined,
  clientIp: '203.0.113.7',
  label: "Anna's phone",
  appVersion: undefined,
  metadata: {},
  explanation,
};
const begun = {
  sessionId: 's-1',
  serverAddr,
  platform: 'ios',
  loginTime: time,
  clientIp: '203.0.113.7',
  label: undefined,
  appVersion: undefined,
};
const ended = {
  userId: 'alice',
  deviceId: 'web',
  sessionId: 's-0',
  serverAddr,
  reason: 'REPLACED' as const,
  reasonText: undefined,
  by: { deviceId: 'phone', ...begun },
};
const begunJson = {
  sessionId: 's-1',
  serverAddr,
  platform: 'ios',
  loginTime: ISO,
  clientIp: '203.0.113.7',
  label: null,
  appVersion: null,
};
const change = {
  userId: 'alice',
  deviceId: 'phone',
  wasOnline: false,
  moved: false,
  online: true,
  userOnline: true,
  session: undefined,
  ended: undefined,
  time,
  devicesOnline: 1,
  changeId: 'c-1',
  revision: 'r-1',
};
const request = { userId: 'alice', deviceId: 'phone', serverAddr };
const result = {
  sessionId: 's-1',
  loginTime: time,
  replaced: [ended],
  replacedOmitted: 0,
  rejected: false,
  conflicts: [],
  conflictsOmitted: 0,
  limit: undefined,
  policy: undefined,
  endReason: undefined,
  detailsStored: undefined,
};

/** docs/json.md with the shapes in the place of their names. */
const page = Object.entries({
  DEVICE: shapeOf(deviceJson(device)),
  LEASE: shapeOf(chatServerJson({ serverAddr, sessions: 1, lease }).lease),
  ENDED: shapeOf(loginJson(request, result).replaced[0]),
  LOGIN: shapeOf(loginJson(request, result).replaced[0]?.by),
}).reduce(
  (text, [name, shape]) => text.replaceAll(new RegExp(`(?<=[:[])${name}(?=[\\]}])`, 'g'), shape),
  readFileSync('docs/json.md', 'utf8'),
);

/** A value in the notation of the page: names without values. */
function shapeOf(value: unknown): string {
  const of = (each: unknown): string => {
    if (Array.isArray(each)) return each.length > 0 ? `:[${shapeOf(each[0])}]` : '';
    return typeof each === 'object' && each !== null && Object.keys(each).length > 0
      ? `:${shapeOf(each)}`
      : '';
  };
  const keys = Object.entries(value as object).map(([key, each]) =>
    key === 'type' ? `"type":"${each}"` : `"${key}"${of(each)}`,
  );
  return `{${keys.join(',')}}`;
}

const routes = {
  servers: [
    {
      serverAddr,
      draining: false,
      sessions: [
        { userId: 'alice', deviceId: 'phone', sessionId: 's-1', platform: undefined, inGrace: false },
      ],
    },
  ],
  offline: [],
  unavailable: [],
};
const past = { ...begun, deviceId: 'phone', endTime: time, reasonText: undefined };
const user = { userId: 'alice', online: true, devices: [device] };
const snapshot = { type: 'snapshot' as const, userId: 'alice', devices: [device] };

test.each<[string, unknown]>([
  ['DEVICE', deviceJson(device)],
  [
    'an explanation',
    userJson(user, { explain: true, lastSeen: false }).devices.map(
      (each) => 'explanation' in each && each.explanation,
    )[0],
  ],
  ['query', userJson(user, { explain: false, lastSeen: true })],
  ['route', routeJson(routes)],
  ['a login', loginJson(request, result)],
  ['an entry of history', historyEntryJson({ ...past, reason: 'LOGOUT' })],
  ['a chat server', chatServerJson({ serverAddr, sessions: 1, lease })],
  ['a snapshot', watchEventJson(snapshot)],
  ['a change', watchEventJson({ type: 'change', ...change })],
  ['a session that begins', sessionJson(begun)],
  ['lagging', watchEventJson({ type: 'lagging', since: time })],
  ['caught up', watchEventJson({ type: 'caughtUp' })],
  ['synced', watchEventJson({ type: 'synced', revision: 'r-1' })],
])('docs/json.md has the shape of %s', (_, value) => {
  expect(page).toContain(shapeOf(value));
});

test('what is absent is null, and times are ISO 8601', () => {
  expect(deviceJson(device)).toEqual({
    deviceId: 'phone',
    online: true,
    serverAddr,
    sessionId: 's-1',
    platform: null,
    loginTime: ISO,
    lastSeen: ISO,
    logoutTime: null,
    reason: null,
    reasonText: null,
    clientIp: '203.0.113.7',
    label: "Anna's phone",
    appVersion: null,
    metadata: {},
  });
  expect(watchEventJson({ type: 'change', ...change, session: begun, ended })).toEqual({
    ...change,
    type: 'change',
    session: begunJson,
    ended: {
      sessionId: 's-0',
      serverAddr,
      reason: 'REPLACED',
      reasonText: null,
      by: { deviceId: 'phone', ...begunJson },
    },
    time: ISO,
  });
  expect(chatServerJson({ serverAddr, sessions: 1, lease: undefined }).lease).toBeNull();
});

test('what a response has no room for is said only then', () => {
  const omitted = { metadataOmitted: true, devicesOmitted: 3 };
  expect(Object.keys(userJson({ ...user, ...omitted }, { explain: false, lastSeen: false }))).toEqual([
    'userId',
    'online',
    'metadataOmitted',
    'devicesOmitted',
    'devices',
  ]);
  expect(watchEventJson(snapshot, omitted)).toMatchObject(omitted);
  expect(watchEventJson(snapshot, { metadataOmitted: false, devicesOmitted: 0 })).toEqual(
    watchEventJson(snapshot),
  );
  expect(loginJson(request, { ...result, replacedOmitted: 1_234 })).toMatchObject({ replacedOmitted: 1_234 });
});

test('an error has a field if it is about one', () => {
  const about = new ImstateError('INVALID_ARGUMENT', 'user_id must not be empty', { field: 'user_id' });
  expect(JSON.stringify(faultJson(about))).toBe(
    '{"code":"INVALID_ARGUMENT","message":"user_id must not be empty","field":"user_id"}',
  );
  const error = new ImstateError('UNAVAILABLE', 'gone');
  expect(JSON.stringify(watchEventJson({ type: 'disconnected', error }))).toBe(
    '{"type":"disconnected","error":{"code":"UNAVAILABLE","message":"gone"}}',
  );
});
