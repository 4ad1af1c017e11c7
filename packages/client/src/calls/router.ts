import type { Channel } from '../connection/channel.js';
import type { RouteResponse__Output } from '../generated/imstate/v1/RouteResponse.js';
import type { ServerRoute__Output } from '../generated/imstate/v1/ServerRoute.js';
import { ImstateError } from '../shared/errors.js';
import { isTooLarge } from './callErrors.js';
import type { CallOptions } from './messages.js';
import type { RouteResult, ServerRoute } from './routes.js';
import { requestInBatches } from './userBatches.js';

/** What a request for users led to: its response, or why no shard of these users answered. */
interface Answer {
  userIds: string[];
  response: RouteResponse__Output | ImstateError;
}

/** Finds the sessions of users by chat server, in calls of a limited size. */
export class Router {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** See PresenceApi.route. */
  async route(userIds: readonly string[], options: CallOptions | undefined): Promise<RouteResult> {
    const answers = await requestInBatches([...new Set(userIds)], (batch) => this.#request(batch, options));
    const failures = answers.flatMap(({ response }) => (response instanceof ImstateError ? [response] : []));
    if (failures.length > 0 && failures.length === answers.length) throw failures[0];
    return readRoutes(answers.map(responseOf));
  }

  /** Undefined if a request for fewer users has room for the response. */
  async #request(userIds: string[], options: CallOptions | undefined): Promise<Answer | undefined> {
    const { presenceService } = this.#channel;
    try {
      const response = await this.#channel.callPresence<RouteResponse__Output>(
        (grpcOptions, done) => presenceService.Route({ userIds }, grpcOptions, done),
        options,
        true,
      );
      return { userIds, response };
    } catch (error) {
      if (error instanceof ImstateError && error.code === 'UNAVAILABLE') return { userIds, response: error };
      if (userIds.length === 1 || !isTooLarge(error)) throw error;
      return undefined;
    }
  }
}

/** The response for users who are unavailable names all of them. */
function responseOf({ userIds, response }: Answer): RouteResponse__Output {
  if (!(response instanceof ImstateError)) return response;
  return { servers: [], offlineUserIds: [], unavailableUserIds: userIds };
}

/** The routes of one or more responses. */
export function readRoutes(responses: readonly RouteResponse__Output[]): RouteResult {
  return {
    servers: mergeServers(responses.map(({ servers }) => servers)),
    offline: responses.flatMap(({ offlineUserIds }) => offlineUserIds),
    unavailable: responses.flatMap(({ unavailableUserIds }) => unavailableUserIds),
  };
}

/** One entry for each chat server, by address: each list is in that order already. */
function mergeServers(responses: readonly (readonly ServerRoute__Output[])[]): ServerRoute[] {
  const byAddr = new Map<string, ServerRoute>();
  for (const { serverAddr, sessions, draining } of responses.flat()) {
    const server = byAddr.get(serverAddr) ?? { serverAddr, draining: false, sessions: [] };
    server.draining ||= draining;
    byAddr.set(serverAddr, server);
    for (const { platform, ...session } of sessions)
      server.sessions.push({ ...session, platform: platform || undefined });
  }
  if (responses.length <= 1) return [...byAddr.values()];
  return [...byAddr.values()].sort((a, b) =>
    Buffer.compare(Buffer.from(a.serverAddr), Buffer.from(b.serverAddr)),
  );
}
