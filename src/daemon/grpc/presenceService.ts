import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { answerLogin } from '../answerLogin.js';
import { permitOf } from '../auth/guardedCall.js';
import { readDrain, readEviction, readLogout, readSessions } from '../messages/requests.js';
import { toDrainServerResponse } from '../messages/responses.js';
import { BatchCounts } from '../observability/batchCounts.js';
import type { OperationCounts } from '../observability/operationCounts.js';
import type { Policies } from '../policies.js';
import type { Presence } from '../presence.js';
import type { WatchHub } from '../watch/hub.js';
import { ApplyHandler } from './applyHandler.js';
import type { Calls } from './calls.js';
import { KeepServerAliveHandler } from './keepServerAliveHandler.js';
import { listCalls } from './listCalls.js';
import { toHeartbeatResponse } from './operations.js';
import type { policyCalls } from './policyCalls.js';
import { readCalls } from './readCalls.js';
import type { upgradeCalls } from './upgradeCalls.js';
import type { userDataCalls } from './userDataCalls.js';
import { WatchHandler } from './watchHandler.js';

/** What presence calls work with. */
export interface PresenceParts {
  readonly presence: Presence;
  readonly policies: Policies;
  readonly hub: WatchHub;
  readonly operations: OperationCounts;
}

/**
 * imstate.v1.PresenceService without the calls for policies, upgrades and user data: see
 * proto/imstate/v1/presence.proto.
 */
export function presenceServiceHandlers(
  { presence, policies, hub, operations }: PresenceParts,
  calls: Calls,
): Omit<
  PresenceServiceHandlers,
  keyof ReturnType<typeof policyCalls | typeof upgradeCalls | typeof userDataCalls>
> {
  const batches = new BatchCounts(operations);
  const keepAlives = operations.of('keep_server_alive');
  return {
    ...readCalls(presence, calls),
    ...listCalls(presence, calls),

    Online: calls.handler((request, call) => {
      const caller = permitOf(call.metadata)?.caller;
      return answerLogin({ presence, policies }, request, { caller, peer: call.getPeer() });
    }),

    Offline: calls.handler(async (request) => ({ applied: await presence.offline(readLogout(request)) })),

    Heartbeat: calls.handler(
      async (request) => {
        const sessions = readSessions(request.sessions);
        return toHeartbeatResponse(sessions, await presence.heartbeat(sessions));
      },
      { weigh: ({ sessions }) => sessions.length, isVital: true },
    ),

    Apply: calls.streamHandler((sink) => new ApplyHandler({ presence, policies, counts: batches }, sink), {
      weigh: ({ operations }) => operations.length,
    }),

    KeepServerAlive: calls.streamHandler((sink) => new KeepServerAliveHandler(presence, keepAlives, sink), {
      isVital: true,
    }),

    Watch: calls.streamHandler((sink) => new WatchHandler(hub, sink)),

    DrainServer: calls.handler(async (request) =>
      toDrainServerResponse(await presence.drainServer(readDrain(request))),
    ),

    Evict: calls.handler(async (request, call) => {
      const { target, reasonText } = readEviction(request);
      const eviction = await presence.evict(target, reasonText, call.getPeer());
      return { ...eviction, reasonStored: reasonText !== '' };
    }),
  };
}
