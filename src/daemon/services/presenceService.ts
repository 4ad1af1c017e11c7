import type { Device } from '../../generated/imstate/v1/Device.js';
import type { EndedSession } from '../../generated/imstate/v1/EndedSession.js';
import type { PresenceServiceHandlers } from '../../generated/imstate/v1/PresenceService.js';
import type { Session } from '../../store/store.js';
import { toTimestamp } from '../../wire/timestamp.js';
import type { Presence } from '../presence.js';
import { checkId, checkOptionalId, checkPlatform, checkServerAddr } from '../validate.js';
import type { Calls } from './calls.js';

/** imstate.v1.PresenceService: see proto/imstate/v1/presence.proto. */
export function presenceServiceHandlers(presence: Presence, calls: Calls): PresenceServiceHandlers {
  return {
    Online: calls.handler(async ({ userId, deviceId, serverAddr, sessionId, platform }) => {
      checkId('user_id', userId);
      checkId('device_id', deviceId);
      checkServerAddr('server_addr', serverAddr);
      checkOptionalId('session_id', sessionId);
      checkPlatform('platform', platform);
      const report = { userId, deviceId, serverAddr, sessionId: sessionId || undefined, platform };
      const result = await presence.online(report);
      return {
        sessionId: result.sessionId,
        loginTime: toTimestamp(result.loginTimeMs),
        replaced: result.replaced ? [toEndedSession(result.replaced)] : [],
      };
    }),

    Offline: calls.handler(async ({ userId, deviceId, sessionId }) => {
      checkId('user_id', userId);
      checkId('device_id', deviceId);
      checkOptionalId('session_id', sessionId);
      return { applied: await presence.offline(userId, deviceId, sessionId || undefined) };
    }),

    GetUser: calls.handler(async ({ userId, deviceId }) => {
      checkId('user_id', userId);
      checkOptionalId('device_id', deviceId);
      const devices = await presence.devices(userId, deviceId || undefined);
      return { userId, online: devices.some(({ online }) => online), devices: devices.map(toDevice) };
    }),
  };
}

function toDevice(session: Session): Device {
  return {
    deviceId: session.deviceId,
    online: session.online,
    sessionId: session.sessionId,
    serverAddr: session.serverAddr,
    platform: session.platform,
    loginTime: toTimestamp(session.loginTimeMs),
    lastSeenTime: toTimestamp(session.lastSeenMs),
    logoutTime: toTimestamp(session.logoutTimeMs),
    endReason: toEndReason(session),
  };
}

function toEndedSession(session: Session): EndedSession {
  const { deviceId, sessionId, serverAddr } = session;
  return { deviceId, sessionId, serverAddr, endReason: toEndReason(session) };
}

function toEndReason({ endReason }: Session) {
  return `END_REASON_${endReason ?? 'UNSPECIFIED'}` as const;
}
