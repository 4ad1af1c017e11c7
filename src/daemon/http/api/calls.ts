import type { Logger } from 'pino';
import type { Registry } from '../../../registry/registry.js';
import type { Role } from '../../auth/roles.js';
import type { Presence } from '../../presence.js';
import type { WatchHub } from '../../watch/hub.js';
import { sendJson } from '../replies.js';
import type { Exchange, Route } from '../routes.js';
import { endpointsCall } from './endpoints.js';
import type { EventStreams } from './eventStreams.js';
import { evictCall } from './evict.js';
import { historyCall } from './history.js';
import { Parameters } from './parameters.js';
import { queryCall } from './query.js';
import { serversCall } from './servers.js';
import { sessionsCall } from './sessions.js';
import { statsCall } from './stats.js';
import { statsWatchCall } from './statsWatch.js';
import { watchCall } from './watch.js';
import { whoamiCall } from './whoami.js';

/** What the API is made of: the same core as the gRPC services. */
export interface ApiParts {
  presence: Presence;
  hub: WatchHub;
  registry: Registry;
  streams: EventStreams;
  log: Logger;
  /** The address under which this daemon is registered, host:port. */
  advertised(): string;
}

/** One call of the API. docs/openapi.yaml describes each; a test holds the two together. */
export interface ApiCall {
  readonly method: 'GET' | 'POST';
  /** Its path is `/api/v1/` and this: the name of the command that prints the same. */
  readonly name: string;
  /** The least role of a caller. */
  readonly role: Role;
  /** Those of the query. */
  readonly parameters: readonly string[];
  /** See Route.isSignIn. */
  readonly isSignIn?: boolean;
  /** Whether it answers with a stream of events. */
  readonly isStream?: boolean;
  /** What to answer as JSON; undefined if the answer is a stream, which then has begun. */
  answer(parameters: Parameters, exchange: Exchange): Promise<object | undefined>;
}

/** Every call of the API. */
export function apiCalls(parts: ApiParts): ApiCall[] {
  return [
    queryCall(parts),
    historyCall(parts),
    sessionsCall(parts),
    serversCall(parts),
    statsCall(parts),
    statsWatchCall(parts),
    endpointsCall(parts),
    watchCall(parts),
    evictCall(parts),
    whoamiCall(),
  ];
}

/** The calls as the server of HTTP takes them. */
export function apiRoutes(parts: ApiParts): Route[] {
  return apiCalls(parts).map(
    ({ method, name, role, parameters, isSignIn = false, isStream = false, answer }) => ({
      ...{ method, role, isSignIn, isStream, path: `/api/v1/${name}`, call: name.replace('/', '-') },
      async handle(exchange) {
        const [userId, other] = exchange.query.getAll('userId');
        if (userId !== undefined && other === undefined)
          exchange.about({ userId, deviceId: exchange.query.get('deviceId') ?? undefined });
        const value = await answer(new Parameters(exchange.query, parameters), exchange);
        if (value !== undefined) sendJson(exchange.response, 200, value);
      },
    }),
  );
}
