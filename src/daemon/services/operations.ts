import type { GetUserRequest__Output } from '../../generated/imstate/v1/GetUserRequest.js';
import type { GetUserResponse } from '../../generated/imstate/v1/GetUserResponse.js';
import type { HeartbeatResponse } from '../../generated/imstate/v1/HeartbeatResponse.js';
import type { OfflineRequest__Output } from '../../generated/imstate/v1/OfflineRequest.js';
import type { OfflineResponse } from '../../generated/imstate/v1/OfflineResponse.js';
import type { OnlineRequest__Output } from '../../generated/imstate/v1/OnlineRequest.js';
import type { OnlineResponse } from '../../generated/imstate/v1/OnlineResponse.js';
import type { SessionRef } from '../../store/store.js';
import { endReasons } from '../../wire/enums.js';
import { toTimestamp } from '../../wire/timestamp.js';
import type { Presence } from '../presence.js';
import { checkId, checkOptionalId } from '../validate.js';
import { readLogin, readLogout } from './requests.js';
import { toDevice, toEnded, toReplaced } from './responses.js';

/** Carries out Online; throws at once what is wrong with the request, here and below. */
export function online(presence: Presence, request: OnlineRequest__Output): Promise<OnlineResponse> {
  const login = readLogin(request);
  return presence.online(login).then(({ loginTimeMs, replaced, endReason }) => ({
    sessionId: login.sessionId,
    loginTime: loginTimeMs > 0 ? toTimestamp(loginTimeMs) : null,
    replaced: replaced.map((session) => toReplaced(login.userId, session)),
    endReason: endReasons.toWire(endReason),
  }));
}

/** Carries out Offline. */
export function offline(presence: Presence, request: OfflineRequest__Output): Promise<OfflineResponse> {
  return presence.offline(readLogout(request)).then((applied) => ({ applied }));
}

/** Carries out Heartbeat, of sessions that were checked. */
export function heartbeat(presence: Presence, sessions: SessionRef[]): Promise<HeartbeatResponse> {
  return presence.heartbeat(sessions).then((answers) => ({
    ended: sessions.flatMap((session, i) => {
      const reason = answers[i];
      return reason === undefined ? [] : [toEnded(session, reason)];
    }),
  }));
}

/** Carries out GetUser. */
export function getUser(presence: Presence, request: GetUserRequest__Output): Promise<GetUserResponse> {
  const { userId, deviceId, explain } = request;
  checkId('user_id', userId);
  checkOptionalId('device_id', deviceId);
  return presence.devices(userId, deviceId || undefined).then((devices) => ({
    userId,
    online: devices.some(({ online }) => online),
    devices: devices.map((session) => toDevice(session, explain)),
  }));
}
