import { END_REASONS, packRecord, unpackRecord } from '../record.js';
import { LOGIN_POLICIES, replacedSession } from '../rules.js';
import type { Ended, Login, LoginResult, Logout, SessionRef } from '../store.js';
import { pairs } from './answers.js';

/** A change of scripts/change.lua, with its arguments. */
export interface Change {
  userId: string;
  args: (string | number | Buffer)[];
}

/** What change.lua answers to a login; to anything else it is a number. */
type LoginAnswer = [
  loginTimeMs: number,
  endReason: number,
  changeTimeMs: number,
  ...deviceAndPacked: Buffer[],
];

/** The change of a login, as scripts/online.lua takes it. */
export function loginChange(login: Login): Change {
  const { userId, deviceId, sessionId, serverAddr, platform, ttlMs, metadata, incarnation } = login;
  const template = packRecord({
    ...{ deviceId, sessionId, serverAddr, platform, ttlMs, metadata, incarnation },
    ...{ online: true, loginTimeMs: 0, lastSeenMs: 0, logoutTimeMs: undefined, endReason: undefined },
    ...{ graceEndMs: 0, forgetTimeMs: 0 },
  });
  const policy = LOGIN_POLICIES.indexOf(login.policy);
  const isNew = login.isNewSessionId ? 1 : 0;
  return { userId, args: ['+', userId, deviceId, template, policy, login.resentLoginTimeMs, isNew] };
}

/** Reads the answer to a login. */
export function loginResult(answer: unknown): LoginResult {
  const [loginTimeMs, endReason, changeTimeMs, ...flat] = answer as LoginAnswer;
  const replaced = pairs(flat).map(([deviceId, packed]) =>
    replacedSession(unpackRecord(deviceId, packed), changeTimeMs),
  );
  return { loginTimeMs, replaced, endReason: END_REASONS[endReason] };
}

/** The change of a logout; answered with 1 if it applied. */
export function logoutChange({ userId, deviceId, sessionId, graceMs }: Logout): Change {
  return { userId, args: ['-', userId, deviceId, sessionId ?? '', graceMs] };
}

/** The change of a heartbeat; {@link heartbeatResult} reads the answer. */
export function heartbeatChange({ userId, deviceId, sessionId }: SessionRef): Change {
  return { userId, args: ['h', userId, deviceId, sessionId] };
}

/** Reads the answer to a heartbeat. */
export function heartbeatResult(answer: unknown): Ended | undefined {
  return answer === 0 ? undefined : (END_REASONS[answer as number] ?? 'UNKNOWN');
}

/** The change that evicts a session; answered with 1 if it was current. */
export function evictChange({ userId, deviceId, sessionId }: SessionRef): Change {
  return { userId, args: ['e', userId, deviceId, sessionId] };
}
