import type { UserStatusHandlers } from 'imstate-client/internal/generated/pb/UserStatus';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import { makeSessionId } from 'imstate-client/internal/shared/sessionId';
import { NO_DETAILS } from '../../presence/details.js';
import { describeLimit } from '../../presence/policy.js';
import type { Login, LoginRejection } from '../../presence/sessions.js';
import { checkId, checkOptionalId, checkServerName } from '../../presence/validate.js';
import type { Policies } from '../policies.js';
import type { Presence } from '../presence.js';
import type { Calls } from './calls.js';

/** pb.UserStatus, the legacy service: see proto/pb/user_status.proto. */
export function userStatusHandlers(presence: Presence, policies: Policies, calls: Calls): UserStatusHandlers {
  return {
    QueryUserStatus: calls.handler(({ UserID, DeviceID }, call) => {
      checkId('UserID', UserID);
      checkOptionalId('DeviceID', DeviceID);
      return presence.reads.use(call.getPeer(), async (budget) => {
        const devices = await presence.devices(UserID, DeviceID || undefined, budget);
        const newest = devices.find(({ online }) => online);
        return { Status: newest !== undefined, ServerAddr: newest?.serverAddr ?? '' };
      });
    }),

    Online: calls.handler(async ({ UserID, DeviceID, ServerAddr }, call) => {
      checkId('UserID', UserID);
      checkId('DeviceID', DeviceID);
      checkServerName('ServerAddr', ServerAddr);
      const login: Login = {
        userId: UserID,
        deviceId: DeviceID,
        serverAddr: ServerAddr,
        sessionId: makeSessionId(),
        isNewSessionId: true,
        // What the legacy service does not know.
        platform: '',
        ttlMs: 0,
        metadata: {},
        details: NO_DETAILS,
        policy: policies.choose({ name: '', word: undefined }, false),
        incarnation: 0,
        resentLoginTimeMs: 0,
      };
      const { rejection } = await presence.online(login, call.getPeer());
      if (rejection !== undefined) throw rejected(login.policy, rejection);
      return {};
    }),

    Offline: calls.handler(async ({ UserID, DeviceID }) => {
      checkId('UserID', UserID);
      checkId('DeviceID', DeviceID);
      await presence.offline({ userId: UserID, deviceId: DeviceID, sessionId: undefined, graceMs: 0 });
      return {};
    }),
  };
}

/** The legacy response has no room for an answer. */
function rejected({ name }: SessionPolicy, { limit }: LoginRejection): ImstateError {
  const message =
    `the policy ${name} rejects the login (${describeLimit(limit)}), and nothing was changed: ` +
    'log another device out first';
  return new ImstateError('FAILED_PRECONDITION', message);
}
