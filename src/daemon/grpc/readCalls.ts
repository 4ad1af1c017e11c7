import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { type Shown, showUser, showUsers } from '../messages/answerSize.js';
import { readBatch, readGetUser } from '../messages/requests.js';
import { toGetUserResponse } from '../messages/responses.js';
import { toRouteResponse } from '../messages/routeResponse.js';
import type { Presence } from '../presence.js';
import type { Calls } from './calls.js';

/** The calls that read users. */
export function readCalls(
  presence: Presence,
  calls: Calls,
): Pick<PresenceServiceHandlers, 'GetUser' | 'BatchGetUsers' | 'Route'> {
  return {
    GetUser: calls.handler((request, call) => {
      const { userId, deviceId, includeLastSeen } = readGetUser(request);
      return presence.reads.use(call.getPeer(), async (budget) => {
        const { sessions, lastSeenMs } = includeLastSeen
          ? await presence.user({ userId, includeLastSeen }, budget)
          : { sessions: await presence.devices(userId, deviceId, budget), lastSeenMs: undefined };
        const shown = { ...showUser(sessions, request.explain), lastSeenMs };
        return toGetUserResponse(userId, shown, request.explain);
      });
    }),

    BatchGetUsers: calls.handler(
      (request, call) => {
        const userIds = readBatch(request.userIds);
        return presence.reads.use(call.getPeer(), async (budget) => {
          const shown = showUsers(await presence.users(userIds, request.includeLastSeen, budget));
          return { users: userIds.map((userId, i) => toGetUserResponse(userId, shown[i] as Shown, false)) };
        });
      },
      { weigh: ({ userIds }) => userIds.length },
    ),

    Route: calls.handler(
      (request, call) => {
        const userIds = readBatch(request.userIds);
        return presence.reads.use(call.getPeer(), async (budget) =>
          toRouteResponse(await presence.route(userIds, budget)),
        );
      },
      { weigh: ({ userIds }) => userIds.length },
    ),
  };
}
