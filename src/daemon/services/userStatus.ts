import type { Logger } from 'pino';
import type { UserStatusHandlers } from '../../generated/pb/UserStatus.js';
import type { Presence } from '../presence.js';
import { checkId, checkOptionalId, checkServerName } from '../validate.js';
import { unary } from './unary.js';

/** pb.UserStatus, the article's service: see proto/pb/user_status.proto. */
export function userStatusHandlers(presence: Presence, log: Logger): UserStatusHandlers {
  return {
    QueryUserStatus: unary(log, async ({ UserID, DeviceID }) => {
      checkId('UserID', UserID);
      checkOptionalId('DeviceID', DeviceID);
      const devices = await presence.devices(UserID, DeviceID || undefined);
      const newest = devices.find(({ online }) => online);
      return { Status: newest !== undefined, ServerAddr: newest?.serverAddr ?? '' };
    }),

    Online: unary(log, async ({ UserID, DeviceID, ServerAddr }) => {
      checkId('UserID', UserID);
      checkId('DeviceID', DeviceID);
      checkServerName('ServerAddr', ServerAddr);
      const [userId, deviceId, serverAddr] = [UserID, DeviceID, ServerAddr];
      await presence.online({ userId, deviceId, serverAddr, sessionId: undefined, platform: '' });
      return {};
    }),

    Offline: unary(log, async ({ UserID, DeviceID }) => {
      checkId('UserID', UserID);
      checkId('DeviceID', DeviceID);
      await presence.offline(UserID, DeviceID, undefined);
      return {};
    }),
  };
}
