import type { HeartbeatResponse } from 'imstate-client/internal/generated/imstate/v1/HeartbeatResponse';
import type { Operation__Output } from 'imstate-client/internal/generated/imstate/v1/Operation';
import type { OperationResult } from 'imstate-client/internal/generated/imstate/v1/OperationResult';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { Ended, LoginResult } from '../../presence/sessions.js';
import { broken } from '../../presence/validate.js';
import type { Answer, Operation } from '../../store/operations.js';
import type { Caller } from '../auth/roles.js';
import type { Shown } from '../messages/answerSize.js';
import { toOnlineResponse } from '../messages/onlineResponse.js';
import { readPolicyOf } from '../messages/policyRequests.js';
import { readGetUser, readLogin, readLogout, readSession, readTrial } from '../messages/requests.js';
import type { ShownAnswer } from '../messages/responseRoom.js';
import { toEnded, toGetUserResponse } from '../messages/responses.js';
import type { Policies } from '../policies.js';

/** Reads and validates an operation of Apply. */
export function readOperation(
  { online, offline, heartbeat, getUser }: Operation__Output,
  policies: Policies,
  caller: Caller | undefined,
): Operation {
  if (online) {
    const policy = readPolicyOf(online, policies, caller);
    return online.validateOnly
      ? { type: 'validateLogin', request: readTrial(online, policy) }
      : { type: 'online', request: readLogin(online, policy) };
  }
  if (offline) return { type: 'offline', request: readLogout(offline) };
  if (heartbeat) return { type: 'heartbeat', request: readSession('heartbeat', heartbeat) };
  if (getUser) {
    const { userId, deviceId, includeLastSeen } = readGetUser(getUser);
    return deviceId === undefined
      ? { type: 'getUser', request: { userId, includeLastSeen } }
      : { type: 'getDevice', request: { userId, deviceId } };
  }
  throw broken('operation', 'must be given: online, offline, heartbeat or get_user');
}

/** The result of an operation, as far as the response has room. */
export function toResult(
  { type, request }: Operation,
  answer: Exclude<ShownAnswer, Error>,
  explain: boolean,
): OperationResult {
  switch (type) {
    case 'online':
    case 'validateLogin':
      return { online: toOnlineResponse(request, answer as LoginResult) };
    case 'offline':
      return { offline: { applied: answer as Answer<'offline'> } };
    case 'heartbeat':
      return { heartbeat: toHeartbeatResponse([request], [answer as Answer<'heartbeat'>]) };
    case 'getDevice':
    case 'getUser':
      return { getUser: toGetUserResponse(request.userId, answer as Shown, explain) };
  }
}

/** The response to Heartbeat. */
export function toHeartbeatResponse(
  sessions: SessionRef[],
  answers: (Ended | undefined)[],
): HeartbeatResponse {
  return {
    ended: sessions.flatMap((session, i) => {
      const ended = answers[i];
      return ended === undefined ? [] : [toEnded(session, ended)];
    }),
  };
}
