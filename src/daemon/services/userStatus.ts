import type { UserStatusHandlers } from '../../generated/pb/UserStatus.js';
import type { Presence } from '../presence.js';
import { checkId, checkOptionalId, checkServerName } from '../validate.js';
import type { Calls } from './calls.js';

/** pb.UserStatus, the article's service: see proto/pb/user_status.proto. */
export function userStatusHandlers(presence: Presence, calls: Calls): UserStatusHandlers {
  return {
    QueryUserStatus: calls.handler(async ({ UserID, DeviceID }) => {
      checkId('UserID', UserID);
      checkOptionalId('DeviceID', DeviceID);
      const devices = await presence.devices(UserID, DeviceID || undefined);
      const newest = devices.find(({ online }) => online);
      return { Status: newest !== undefined, ServerAddr: newest?.serverAddr ?? '' };
    }),

    Online: calls.handler(async ({ UserID, DeviceID, ServerAddr }) => {
      checkId('UserID', UserID);
      checkId('DeviceID', DeviceID);
      checkServerName('ServerAddr', ServerAddr);
      const [userId, deviceId, serverAddr] = [UserID, DeviceID, ServerAddr];
      await presence.online({ userId, deviceId, serverAddr, sessionId: undefined, platform: '' });
      return {};
    }),

    Offline: calls.handler(async ({ UserID, DeviceID }) => {
      checkId('UserID', UserID);
      checkId('DeviceID', DeviceID);
      await presence.offline(UserID, DeviceID, undefined);
      return {};
    }),
  };
}
