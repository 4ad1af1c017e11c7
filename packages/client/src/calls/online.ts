import type { OnlineRequest as WireOnlineRequest } from '../generated/imstate/v1/OnlineRequest.js';
import type { OnlineResponse__Output } from '../generated/imstate/v1/OnlineResponse.js';
import { optionalDuration } from '../wire/duration.js';
import { endReasons } from '../wire/enums.js';
import { fromTimestamp, toTimestamp } from '../wire/timestamp.js';
import { readDecision, toPolicyFields } from './loginPolicy.js';
import type { OnlineRequest, OnlineResult } from './messages.js';

/** The result of a login. */
export function readOnlineResult(request: OnlineRequest, answer: OnlineResponse__Output): OnlineResult {
  return {
    sessionId: answer.sessionId,
    loginTime: fromTimestamp(answer.loginTime),
    ...readDecision(answer),
    endReason: endReasons.fromWire(answer.endReason),
    detailsStored: hasDetails(request) ? answer.detailsStored : undefined,
  };
}

/** The request of a login. */
export function toOnlineRequest(request: OnlineRequest): WireOnlineRequest {
  return {
    userId: request.userId,
    deviceId: request.deviceId,
    serverAddr: request.serverAddr,
    sessionId: request.sessionId ?? '',
    platform: request.platform ?? '',
    timeToLive: optionalDuration(request.ttlMs),
    metadata: request.metadata ?? {},
    ...toPolicyFields(request.policy),
    serverIncarnation: request.serverIncarnation ?? 0,
    loginTime: toTimestamp(request.loginTime?.getTime()),
    clientIp: request.clientIp ?? '',
    label: request.label ?? '',
    appVersion: request.appVersion ?? '',
  };
}

function hasDetails({ clientIp, label, appVersion }: OnlineRequest): boolean {
  return Boolean(clientIp || label || appVersion);
}
