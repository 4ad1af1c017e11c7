import type { Channel } from '../connection/channel.js';
import type { RouteResponse__Output } from '../generated/imstate/v1/RouteResponse.js';
import type { ServerRoute__Output } from '../generated/imstate/v1/ServerRoute.js';
import { isTooLarge } from './callErrors.js';
import type { CallOptions } from './messages.js';
import type { RouteResult, ServerRoute } from './routes.js';

/** Maximum users of one Route, as of BatchGetUsers. */
const MAX_USERS = 500;

/** Finds the sessions of users by chat server, in calls of a limited size. */
export class Router {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** See PresenceApi.route. */
  async route(userIds: readonly string[], options: CallOptions | undefined): Promise<RouteResult> {
    const unique = [...new Set(userIds)];
    const batches = Array.from({ length: Math.ceil(unique.length / MAX_USERS) }, (_, i) =>
      unique.slice(i * MAX_USERS, (i + 1) * MAX_USERS),
    );
    const responses = await Promise.all(batches.map((batch) => this.#batch(batch, options)));
    return readRoutes(responses.flat());
  }

  /** Divides a batch whose response would be too large. */
  async #batch(userIds: string[], options: CallOptions | undefined): Promise<RouteResponse__Output[]> {
    const { presenceService } = this.#channel;
    try {
      const response = await this.#channel.callPresence<RouteResponse__Output>(
        (grpcOptions, done) => presenceService.Route({ userIds }, grpcOptions, done),
        options,
        true,
      );
      return [response];
    } catch (error) {
      if (userIds.length === 1 || !isTooLarge(error)) throw error;
      const half = Math.ceil(userIds.length / 2);
      return [
        ...(await this.#batch(userIds.slice(0, half), options)),
        ...(await this.#batch(userIds.slice(half), options)),
      ];
    }
  }
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
