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

/**
 * Carries out Online, and makes something of the response, or of a failure; without `fail` the promise rejects. Given here, that costs
 * no promise of its own. Throws at once what is wrong with the request. So do all of these.
 */
export function online<T>(
  presence: Presence,
  request: OnlineRequest__Output,
  use: (response: OnlineResponse) => T,
  fail?: (error: unknown) => T,
): Promise<T> {
  const login = readLogin(request);
  return presence.online(login).then(
    ({ loginTimeMs, replaced, endReason }) =>
      use({
        sessionId: login.sessionId,
        loginTime: loginTimeMs > 0 ? toTimestamp(loginTimeMs) : null,
        replaced: replaced.map((session) => toReplaced(login.userId, session)),
        endReason: endReasons.toWire(endReason),
      }),
    fail,
  );
}

/** Carries out Offline. */
export function offline<T>(
  presence: Presence,
  request: OfflineRequest__Output,
  use: (response: OfflineResponse) => T,
  fail?: (error: unknown) => T,
): Promise<T> {
  return presence.offline(readLogout(request)).then((applied) => use({ applied }), fail);
}

/** Carries out Heartbeat, of sessions that were checked. */
export function heartbeat<T>(
  presence: Presence,
  sessions: SessionRef[],
  use: (response: HeartbeatResponse) => T,
  fail?: (error: unknown) => T,
): Promise<T> {
  return presence.heartbeat(sessions).then(
    (answers) =>
      use({
        ended: sessions.flatMap((session, i) => {
          const reason = answers[i];
          return reason === undefined ? [] : [toEnded(session, reason)];
        }),
      }),
    fail,
  );
}

/** Carries out GetUser. */
export function getUser<T>(
  presence: Presence,
  request: GetUserRequest__Output,
  use: (response: GetUserResponse) => T,
  fail?: (error: unknown) => T,
): Promise<T> {
  const { userId, deviceId, explain } = request;
  checkId('user_id', userId);
  checkOptionalId('device_id', deviceId);
  return presence.devices(userId, deviceId || undefined).then(
    (devices) =>
      use({
        userId,
        online: devices.some(({ online }) => online),
        devices: devices.map((session) => toDevice(session, explain)),
      }),
    fail,
  );
}
