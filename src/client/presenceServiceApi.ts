import { ImstateError } from '../errors.js';
import type { Device__Output } from '../generated/imstate/v1/Device.js';
import type { EndReason as WireEndReason } from '../generated/imstate/v1/EndReason.js';
import type { GetUserResponse__Output } from '../generated/imstate/v1/GetUserResponse.js';
import type { OfflineResponse__Output } from '../generated/imstate/v1/OfflineResponse.js';
import type { OnlineResponse__Output } from '../generated/imstate/v1/OnlineResponse.js';
import type { EndReason } from '../store/store.js';
import { fromTimestamp } from '../wire/timestamp.js';
import type { Channel } from './channel.js';
import type { DeviceState, PresenceApi } from './messages.js';

/** The calls of imstate.v1.PresenceService. */
export function presenceServiceApi(channel: Channel): PresenceApi {
  const { presenceService } = channel;
  return {
    async online(request, options) {
      checkSession(request.sessionId);
      const answer = await channel.call<OnlineResponse__Output>(
        (grpcOptions, done) => presenceService.Online(request, grpcOptions, done),
        options,
      );
      return {
        sessionId: answer.sessionId,
        loginTime: fromTimestamp(answer.loginTime),
        replaced: answer.replaced.map(({ deviceId, sessionId, serverAddr, endReason }) => ({
          ...{ deviceId, sessionId, serverAddr },
          reason: toReason(endReason),
        })),
      };
    },

    async offline(request, options) {
      checkSession(request.sessionId);
      const { applied } = await channel.call<OfflineResponse__Output>(
        (grpcOptions, done) => presenceService.Offline(request, grpcOptions, done),
        options,
      );
      return { applied };
    },

    async getUser(request, options) {
      const { userId, online, devices } = await channel.call<GetUserResponse__Output>(
        (grpcOptions, done) => presenceService.GetUser(request, grpcOptions, done),
        options,
        true,
      );
      return { userId, online, devices: devices.map(toDeviceState) };
    },
  };
}

/** On the wire an empty session id is one that was left out: a logout would end another session than was meant. */
function checkSession(sessionId: string | undefined): void {
  if (sessionId !== '') return;
  throw new ImstateError(
    'INVALID_ARGUMENT',
    'the session id must not be empty: leave it out, or name the session',
  );
}

function toDeviceState(device: Device__Output): DeviceState {
  return {
    deviceId: device.deviceId,
    online: device.online,
    sessionId: device.sessionId,
    serverAddr: device.serverAddr,
    platform: device.platform || undefined,
    loginTime: fromTimestamp(device.loginTime),
    lastSeen: fromTimestamp(device.lastSeenTime),
    logoutTime: fromTimestamp(device.logoutTime),
    reason: toReason(device.endReason),
  };
}

/** A reason that a newer daemon may send reads as it is; none reads as undefined. */
function toReason(reason: keyof typeof WireEndReason): EndReason | undefined {
  if (reason === 'END_REASON_UNSPECIFIED') return undefined;
  return reason.replace(/^END_REASON_/, '') as EndReason;
}
