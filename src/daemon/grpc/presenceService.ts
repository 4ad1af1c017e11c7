import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { BatchCounts } from '../observability/batchCounts.js';
import type { OperationCounts } from '../observability/operationCounts.js';
import type { Presence } from '../presence.js';
import type { WatchHub } from '../watch/hub.js';
import { ApplyHandler } from './applyHandler.js';
import type { Calls } from './calls.js';
import { KeepServerAliveHandler } from './keepServerAliveHandler.js';
import { listCalls } from './listCalls.js';
import { toHeartbeatResponse, toOnlineResponse } from './operations.js';
import { readCalls } from './readCalls.js';
import { readEviction, readLogin, readLogout, readSessions } from './requests.js';
import { showLogin } from './responseRoom.js';
import type { upgradeCalls } from './upgradeCalls.js';
import type { userDataCalls } from './userDataCalls.js';
import { WatchHandler } from './watchHandler.js';

/** imstate.v1.PresenceService without the calls of an upgrade and of user data: see proto/imstate/v1/presence.proto. */
export function presenceServiceHandlers(
  presence: Presence,
  hub: WatchHub,
  calls: Calls,
  operations: OperationCounts,
): Omit<PresenceServiceHandlers, keyof ReturnType<typeof upgradeCalls | typeof userDataCalls>> {
  const batches = new BatchCounts(operations);
  const keepAlives = operations.of('keep_server_alive');
  return {
    ...readCalls(presence, calls),
    ...listCalls(presence, calls),

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

    Evict: calls.handler(async (request, call) => {
      const { target, reasonText } = readEviction(request);
      const eviction = await presence.evict(target, reasonText, call.getPeer());
      return { ...eviction, reasonStored: reasonText !== '' };
    }),
  };
}
