import type { Channel } from '../connection/channel.js';
import type { QueryUserStatusResponse__Output } from '../generated/pb/QueryUserStatusResponse.js';
import { ImstateError } from '../shared/errors.js';
import { loginPolicyWord } from './loginPolicy.js';
import type { DeviceState } from './messages.js';
import type { PresenceApi } from './presenceApi.js';

/** Fields that pb.UserStatus does not have, and what to do about each. */
const UNKNOWN = {
  sessionId: 'knows no sessions: leave the session id out',
  platform: 'knows no platforms: leave the platform out',
  ttlMs: 'knows no time to live: leave it out',
  metadata: 'knows no metadata: leave it out',
  policy: 'knows no policies: leave the policy out',
  serverIncarnation: 'knows no leases: leave the incarnation out',
  loginTime: 'knows no sessions: leave the login time out',
  graceMs: 'knows no grace: leave it out',
  explain: 'has no explanations: leave it out',
  includeLastSeen: 'keeps no history: leave it out',
  clientIp: 'knows no IP addresses: leave it out',
  label: 'knows no labels: leave the label out',
  appVersion: 'knows no versions of apps: leave it out',
};

/**
 * The calls of pb.UserStatus, for legacy servers. The service has no sessions, platforms, times or users as a
 * whole. A request that it cannot express is rejected, rather than reduced.
 */
export function userStatusApi(channel: Channel): PresenceApi {
  const { userStatus } = channel;
  return {
    async online({ userId, deviceId, serverAddr, metadata = {}, policy, ...rest }, options) {
      const hasMetadata = Object.keys(metadata).length > 0;
      const isReplacing = policy !== undefined && loginPolicyWord(policy) !== 'KEEP_ALL';
      rejectUnknown({ ...rest, metadata: hasMetadata, policy: isReplacing });
      const request = { UserID: userId, DeviceID: deviceId, ServerAddr: serverAddr };
      await channel.call((grpcOptions, done) => userStatus.Online(request, grpcOptions, done), options);
      return {
        sessionId: undefined,
        loginTime: undefined,
        replaced: [],
        replacedOmitted: 0,
        endReason: undefined,
        rejected: false,
        conflicts: [],
        conflictsOmitted: 0,
        limit: undefined,
        policy: undefined,
        detailsStored: undefined,
      };
    },

    async offline({ userId, deviceId, ...rest }, options) {
      rejectUnknown(rest);
      const request = { UserID: userId, DeviceID: deviceId };
      await channel.call((grpcOptions, done) => userStatus.Offline(request, grpcOptions, done), options);
      return { applied: undefined };
    },

    async getUser({ userId, deviceId, ...rest }, options) {
      if (!deviceId) throw cannot('reads one device at a time: name the device');
      rejectUnknown(rest);
      const request = { UserID: userId, DeviceID: deviceId };
      const { Status, ServerAddr } = await channel.call<QueryUserStatusResponse__Output>(
        (grpcOptions, done) => userStatus.QueryUserStatus(request, grpcOptions, done),
        options,
        true,
      );
      return { userId, online: Status, devices: Status ? [onlineDevice(deviceId, ServerAddr)] : [] };
    },

    getUsers: () => reject('reads one device at a time: call getUser() for each'),
    route: () => reject('reads one device at a time: call getUser() for each'),
    heartbeat: () => reject('knows no sessions: there is nothing to renew'),
    listHistory: () => reject('keeps no history'),
    listSessions: () => reject('lists no sessions'),
    listServers: () => reject('lists no chat servers'),
    getStats: () => reject('counts nothing'),
    exportUser: () => reject('keeps no history: there is nothing to export'),
    eraseUser: () => reject('cannot erase: remove the keys of the user from its store'),
    listAudit: () => reject('keeps no audit trail'),
    evict: () => reject('evicts nobody: log each device out'),
    drainServer: () => reject('knows no leases: close the connections of the chat server'),
    checkEvict: () => reject('evicts nobody: log each device out'),
    claimRelay: () => reject('knows no relays'),
    commitRelay: () => reject('knows no relays'),
    listRelays: () => reject('knows no relays'),
    pauseRelay: () => reject('knows no relays'),
    resumeRelay: () => reject('knows no relays'),
    replayRelay: () => reject('knows no relays'),
    deleteRelay: () => reject('knows no relays'),
    putPolicy: () => reject('knows no policies'),
    listPolicies: () => reject('knows no policies'),
    getPolicy: () => reject('knows no policies'),
    deletePolicy: () => reject('knows no policies'),
    setDefaultPolicy: () => reject('knows no policies'),
    validateLogin: () => reject('knows no policies'),
    getFeatureLevel: () => reject('has no feature levels'),
    finishUpgrade: () => reject('has no feature levels'),
  };
}

function onlineDevice(deviceId: string, serverAddr: string): DeviceState {
  return {
    deviceId,
    online: true,
    serverAddr,
    sessionId: undefined,
    platform: undefined,
    loginTime: undefined,
    lastSeen: undefined,
    logoutTime: undefined,
    reason: undefined,
    reasonText: undefined,
    clientIp: undefined,
    label: undefined,
    appVersion: undefined,
    metadata: {},
    explanation: undefined,
  };
}

function rejectUnknown(fields: { [Field in keyof typeof UNKNOWN]?: unknown }): void {
  for (const [field, rule] of Object.entries(UNKNOWN)) {
    if (fields[field as keyof typeof UNKNOWN]) throw cannot(rule);
  }
}

function reject(rule: string): Promise<never> {
  return Promise.reject(cannot(rule));
}

function cannot(rule: string): ImstateError {
  return new ImstateError('UNIMPLEMENTED', `the server serves only pb.UserStatus, which ${rule}`);
}
