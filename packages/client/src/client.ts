import { isUnimplemented } from './calls/callErrors.js';
import type { EvictRequest, ListHistoryRequest, ListSessionsRequest, PageRequest } from './calls/listings.js';
import type { CallOptions, GetUserRequest, OfflineRequest, OnlineRequest } from './calls/messages.js';
import type { PresenceApi } from './calls/presenceApi.js';
import { presenceServiceApi } from './calls/presenceServiceApi.js';
import { userStatusApi } from './calls/userStatusApi.js';
import { type Access, Channel, type ClientOptions } from './connection/channel.js';
import type { Discovery } from './connection/discovery.js';
import type { ServerOptions } from './server/serverMessages.js';
import { ServerSessions } from './server/serverSessions.js';
import type { SessionRef } from './shared/session.js';
import { Watch } from './watch/watch.js';
import type { WatchOptions } from './watch/watchMessages.js';

/**
 * A client of imstate's daemons, made by connect(): it follows the registry and balances round robin. Every method
 * rejects with an ImstateError: INVALID_ARGUMENT, NO_ENDPOINT, UNAVAILABLE, DEADLINE_EXCEEDED and so on. Where all
 * endpoints are legacy servers, it speaks pb.UserStatus with them, as far as that goes.
 */
export class Client implements PresenceApi {
  readonly #discovery: Discovery;
  readonly #channel: Channel;
  readonly #presenceService: PresenceApi;
  readonly #userStatus: PresenceApi;

  /** Takes the discovery over: close() closes it. */
  constructor(discovery: Discovery, options: ClientOptions, access: Access) {
    this.#discovery = discovery;
    this.#channel = new Channel(discovery, options, access);
    this.#presenceService = presenceServiceApi(this.#channel);
    this.#userStatus = userStatusApi(this.#channel);
  }

  online(request: OnlineRequest, options?: CallOptions) {
    return this.#call((api) => api.online(request, options));
  }

  offline(request: OfflineRequest, options?: CallOptions) {
    return this.#call((api) => api.offline(request, options));
  }

  heartbeat(sessions: SessionRef[], options?: CallOptions) {
    return this.#call((api) => api.heartbeat(sessions, options));
  }

  getUser(request: GetUserRequest, options?: CallOptions) {
    return this.#call((api) => api.getUser(request, options));
  }

  getUsers(userIds: string[], options?: CallOptions) {
    return this.#call((api) => api.getUsers(userIds, options));
  }

  listHistory(request: ListHistoryRequest, options?: CallOptions) {
    return this.#call((api) => api.listHistory(request, options));
  }

  listSessions(request: ListSessionsRequest = {}, options?: CallOptions) {
    return this.#call((api) => api.listSessions(request, options));
  }

  listServers(request: PageRequest = {}, options?: CallOptions) {
    return this.#call((api) => api.listServers(request, options));
  }

  getStats(options?: CallOptions) {
    return this.#call((api) => api.getStats(options));
  }

  evict(request: EvictRequest, options?: CallOptions) {
    return this.#call((api) => api.evict(request, options));
  }

  checkEvict(options?: CallOptions) {
    return this.#call((api) => api.checkEvict(options));
  }

  /**
   * For a chat server: keeps its lease alive and remembers its sessions, until its close(). When the chat server is gone, so are its
   * sessions, with no heartbeat a device.
   */
  server(options: ServerOptions): ServerSessions {
    return new ServerSessions(this.#channel, this.#presenceService, options);
  }

  /**
   * Follows the presence of users, of the sessions of chat servers, or of everybody, for as long as it is iterated:
   * goes on with another daemon when a stream breaks, with no change missing and none twice. Nothing is dialled
   * before the iteration begins.
   */
  watch(options: WatchOptions): Watch {
    return new Watch(this.#channel, options);
  }

  /** Closes the channel and the discovery: calls under way fail, and leases and watches are closed. */
  async close(): Promise<void> {
    this.#channel.close();
    await this.#discovery.close();
  }

  async #call<T>(use: (api: PresenceApi) => Promise<T>): Promise<T> {
    try {
      return await use(this.#presenceService);
    } catch (error) {
      if (!isUnimplemented(error) || !this.#channel.legacyServers.isAllLegacy) throw error;
      return use(this.#userStatus);
    }
  }
}
