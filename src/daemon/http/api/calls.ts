import type { Route } from '../routes.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { auditCall } from './audit.js';
import { drainCall } from './drain.js';
import { endpointsCall } from './endpoints.js';
import { evictCall } from './evict.js';
import { heartbeatCall } from './heartbeat.js';
import { historyCall } from './history.js';
import { inJsonKeys } from './jsonKeys.js';
import { leaseCall } from './lease.js';
import { offlineCall } from './offline.js';
import { onlineCall } from './online.js';
import { Parameters } from './parameters.js';
import { explainPolicyCall, policiesCall } from './policies.js';
import { queryCall } from './query.js';
import { pauseRelayCalls, relaysCall } from './relays.js';
import { routeCall } from './route.js';
import { serversCall } from './servers.js';
import { sessionsCall } from './sessions.js';
import { statsCall } from './stats.js';
import { statsWatchCall } from './statsWatch.js';
import { watchCall } from './watch.js';
import { whoamiCall } from './whoami.js';

/** Every call of the API. */
export function apiCalls(parts: ApiParts): ApiCall[] {
  return [
    onlineCall(parts),
    offlineCall(parts),
    heartbeatCall(parts),
    leaseCall(parts),
    queryCall(parts),
    routeCall(parts),
    historyCall(parts),
    sessionsCall(parts),
    serversCall(parts),
    statsCall(parts),
    statsWatchCall(parts),
    endpointsCall(parts),
    watchCall(parts),
    evictCall(parts),
    drainCall(parts),
    auditCall(parts),
    policiesCall(parts),
    explainPolicyCall(parts),
    relaysCall(parts),
    ...pauseRelayCalls(parts),
    whoamiCall(),
  ];
}

/** The name under which a call is logged and counted: `servers-lease` for `servers/{serverAddr}/lease`. */
export function callOf(name: string): string {
  return name.replaceAll(/\/\{\w+\}/g, '').replaceAll('/', '-');
}

/** The calls as routes of the HTTP server. */
export function apiRoutes(parts: ApiParts): Route[] {
  return apiCalls(parts).map(
    ({ method, name, role, parameters, isSignIn = false, isStream = false, maxBodyBytes, answer }) => ({
      method,
      role,
      isSignIn,
      isStream,
      maxBodyBytes,
      path: `/api/v1/${name}`,
      call: callOf(name),
      async handle(exchange) {
        const [userId, other] = exchange.query.getAll('userId');
        if (userId !== undefined && other === undefined)
          exchange.about({ userId, deviceId: exchange.query.get('deviceId') ?? undefined });
        try {
          return await answer(new Parameters(exchange.query, parameters), exchange);
        } catch (error) {
          throw inJsonKeys(error);
        }
      },
    }),
  );
}
