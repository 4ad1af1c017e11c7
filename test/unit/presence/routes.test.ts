import { expect, test } from 'vitest';
import { NO_DETAILS } from '../../../src/presence/details.ts';
import { routesOf } from '../../../src/presence/routes.ts';
import type { Session } from '../../../src/presence/sessions.ts';

const SESSION: Session = {
  deviceId: 'phone',
  sessionId: 's-1',
  serverAddr: 'a:1',
  platform: 'ios',
  metadata: {},
  details: NO_DETAILS,
  online: true,
  loginTimeMs: 1,
  lastSeenMs: 1,
  logoutTimeMs: undefined,
  endReason: undefined,
  reasonText: '',
  ttlMs: 0,
  graceEndMs: 0,
  removalTimeMs: 0,
  lease: undefined,
};

test('groups the sessions that are online by chat server, users in the given order', () => {
  const phone = { ...SESSION, serverAddr: 'b:1' };
  const web = { ...SESSION, deviceId: 'web' };
  const past = { ...SESSION, deviceId: 'old', online: false };
  const { byServer, offline, unavailable } = routesOf([
    { userId: 'zoe', sessions: [phone, past, web] },
    { userId: 'past', sessions: [past] },
    { userId: 'alice', sessions: [web] },
    { userId: 'unknown', sessions: undefined },
    { userId: 'nobody', sessions: [] },
  ]);
  expect(Object.fromEntries(byServer)).toEqual({
    'b:1': [{ userId: 'zoe', session: phone }],
    'a:1': [
      { userId: 'zoe', session: web },
      { userId: 'alice', session: web },
    ],
  });
  expect([offline, unavailable]).toEqual([['past', 'nobody'], ['unknown']]);
});

test('has no chat servers for nobody', () => {
  expect(routesOf([])).toEqual({ byServer: new Map(), offline: [], unavailable: [] });
});
