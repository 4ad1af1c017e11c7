import { ImstateError } from '../errors.js';
import type { QueryUserStatusResponse__Output } from '../generated/pb/QueryUserStatusResponse.js';
import type { Channel } from './channel.js';
import type { DeviceState, PresenceApi } from './messages.js';

/**
 * The calls of pb.UserStatus, for servers that speak nothing newer: the article's. It knows no sessions, platforms
 * and times, and not the user as a whole. What it cannot express is refused rather than dropped.
 */
export function userStatusApi(channel: Channel): PresenceApi {
  const { userStatus } = channel;
  return {
    async online({ userId, deviceId, serverAddr, sessionId, platform }, options) {
      if (sessionId) throw cannot('knows no sessions: leave the session id out');
      if (platform) throw cannot('knows no platforms: leave the platform out');
      const request = { UserID: userId, DeviceID: deviceId, ServerAddr: serverAddr };
      await channel.call((grpcOptions, done) => userStatus.Online(request, grpcOptions, done), options);
      return { sessionId: undefined, loginTime: undefined, replaced: [] };
    },

    async offline({ userId, deviceId, sessionId }, options) {
      if (sessionId) throw cannot('knows no sessions: leave the session id out');
      const request = { UserID: userId, DeviceID: deviceId };
      await channel.call((grpcOptions, done) => userStatus.Offline(request, grpcOptions, done), options);
      return { applied: undefined };
    },

    async getUser({ userId, deviceId }, options) {
      if (!deviceId) throw cannot('answers for one device: name the device');
      const request = { UserID: userId, DeviceID: deviceId };
      const { Status, ServerAddr } = await channel.call<QueryUserStatusResponse__Output>(
        (grpcOptions, done) => userStatus.QueryUserStatus(request, grpcOptions, done),
        options,
        true,
      );
      return { userId, online: Status, devices: Status ? [onlineDevice(deviceId, ServerAddr)] : [] };
    },
  };
}

function onlineDevice(deviceId: string, serverAddr: string): DeviceState {
  return {
    ...{ deviceId, online: true, serverAddr, sessionId: undefined, platform: undefined },
    ...{ loginTime: undefined, lastSeen: undefined, logoutTime: undefined, reason: undefined },
  };
}

function cannot(rule: string): ImstateError {
  return new ImstateError('UNIMPLEMENTED', `the server speaks only pb.UserStatus, which ${rule}`);
}
