import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { checkId, checkOptionalId, checkPageSize, checkServerName } from '../../presence/validate.js';
import { permitOf } from '../auth/guardedCall.js';
import { identityOf } from '../auth/identity.js';
import { type Shown, showUser, showUsers } from '../messages/answerSize.js';
import { toChatServer, toDevice, toGetUserResponse, toHistoryEntry } from '../messages/responses.js';
import { BatchCounts } from '../observability/batchCounts.js';
import type { Evictions } from '../observability/evictions.js';
import type { OperationCounts } from '../observability/operationCounts.js';
import type { Presence } from '../presence.js';
import type { WatchHub } from '../watch/hub.js';
import { ApplyHandler } from './applyHandler.js';
import { showLogin } from './batchSize.js';
import type { Calls } from './calls.js';
import { KeepServerAliveHandler } from './keepServerAliveHandler.js';
import { toHeartbeatResponse, toOnlineResponse } from './operations.js';
import { readBatch, readEvictTarget, readGetUser, readLogin, readLogout, readSessions } from './requests.js';
import { WatchHandler } from './watchHandler.js';

const PAGE_SIZE = 100;
const SERVERS_PAGE_SIZE = 1_000;

/** imstate.v1.PresenceService: see proto/imstate/v1/presence.proto. */
export function presenceServiceHandlers(
  presence: Presence,
  evictions: Evictions,
  hub: WatchHub,
  calls: Calls,
  operations: OperationCounts,
): PresenceServiceHandlers {
  const batches = new BatchCounts(operations);
  const keepAlives = operations.of('keep_server_alive');
  return {
    Online: calls.handler(async (request, call) => {
      const login = readLogin(request);
      const result = await presence.online(login, call.getPeer());
      return toOnlineResponse(login, showLogin(login.userId, result));
    }),

    Offline: calls.handler(async (request) => ({ applied: await presence.offline(readLogout(request)) })),

    Heartbeat: calls.handler(
      async (request) => {
        const sessions = readSessions(request.sessions);
        return toHeartbeatResponse(sessions, await presence.heartbeat(sessions));
      },
      { weigh: ({ sessions }) => sessions.length, isVital: true },
    ),

    Apply: calls.streamHandler((sink) => new ApplyHandler(presence, batches, sink), {
      weigh: ({ operations }) => operations.length,
    }),

    KeepServerAlive: calls.streamHandler((sink) => new KeepServerAliveHandler(presence, keepAlives, sink), {
      isVital: true,
    }),

    Watch: calls.streamHandler((sink) => new WatchHandler(hub, sink)),

    GetUser: calls.handler((request, call) => {
      const { userId, deviceId } = readGetUser(request);
      return presence.reads.use(call.getPeer(), async (budget) => {
        const sessions = await presence.devices(userId, deviceId, budget);
        return toGetUserResponse(userId, showUser(sessions, request.explain), request.explain);
      });
    }),

    BatchGetUsers: calls.handler(
      (request, call) => {
        const userIds = readBatch(request.userIds);
        return presence.reads.use(call.getPeer(), async (budget) => {
          const shown = showUsers(await presence.devicesOfEach(userIds, budget));
          return { users: userIds.map((userId, i) => toGetUserResponse(userId, shown[i] as Shown, false)) };
        });
      },
      { weigh: ({ userIds }) => userIds.length },
    ),

    ListHistory: calls.handler(async ({ userId, deviceId, pageSize, pageToken }, call) => {
      checkId('user_id', userId);
      checkOptionalId('device_id', deviceId);
      const limit = checkPageSize('page_size', pageSize, PAGE_SIZE);
      const page = { deviceId: deviceId || undefined, limit, after: pageToken || undefined };
      const { entries, next } = await presence.history(userId, page, call.getPeer());
      return { entries: entries.map(toHistoryEntry), nextPageToken: next ?? '' };
    }),

    ListSessions: calls.handler(async ({ serverAddr, pageSize, pageToken }) => {
      if (serverAddr !== '') checkServerName('server_addr', serverAddr);
      const limit = checkPageSize('page_size', pageSize, PAGE_SIZE);
      const page = { serverAddr: serverAddr || undefined, limit, after: pageToken || undefined };
      const { sessions, next, isPartial } = await presence.sessions(page);
      return {
        sessions: sessions.map(({ userId, session }) => ({ userId, device: toDevice(session) })),
        nextPageToken: next ?? '',
        partial: isPartial,
      };
    }),

    ListServers: calls.handler(async ({ pageSize, pageToken }) => {
      const limit = checkPageSize('page_size', pageSize, SERVERS_PAGE_SIZE);
      const { servers, next, isPartial } = await presence.servers({ limit, after: pageToken || undefined });
      return { servers: servers.map(toChatServer), nextPageToken: next ?? '', partial: isPartial };
    }),

    GetStats: calls.handler(async () => {
      const { users, devices, byPlatform, byServer, devicesOnOtherServers, isPartial } =
        await presence.stats();
      return {
        usersOnline: users,
        devicesOnline: devices,
        devicesByPlatform: Object.fromEntries(byPlatform),
        devicesByServer: Object.fromEntries(byServer),
        devicesOnOtherServers,
        partial: isPartial,
      };
    }),

    Evict: calls.handler((request, call) => {
      const { sslPeerCertificate } = call.getAuthContext();
      const caller = identityOf(permitOf(call.metadata)?.callerName, sslPeerCertificate);
      const by = { method: call.getPath(), caller, peer: call.getPeer() };
      return evictions.evict(readEvictTarget(request), by);
    }),
  };
}
