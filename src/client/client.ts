import { ImstateError } from '../errors.js';
import { Channel, type ClientOptions } from './channel.js';
import type { Discovery } from './discovery.js';
import type {
  CallOptions,
  GetUserRequest,
  OfflineRequest,
  OfflineResult,
  OnlineRequest,
  OnlineResult,
  PresenceApi,
  UserState,
} from './messages.js';
import { presenceServiceApi } from './presenceServiceApi.js';
import { userStatusApi } from './userStatusApi.js';

/**
 * A client of imstate's daemons, made by connect(): it follows the registry and balances round robin. Every method
 * rejects with an ImstateError: INVALID_ARGUMENT, NO_ENDPOINT, UNAVAILABLE, DEADLINE_EXCEEDED and so on. With the
 * article's servers it speaks pb.UserStatus, as far as that goes.
 */
export class Client implements PresenceApi {
  readonly #discovery: Discovery;
  readonly #channel: Channel;
  readonly #presenceService: PresenceApi;
  readonly #userStatus: PresenceApi;

  /** Takes the discovery over: close() closes it. */
  constructor(discovery: Discovery, options: ClientOptions) {
    this.#discovery = discovery;
    this.#channel = new Channel(discovery, options);
    this.#presenceService = presenceServiceApi(this.#channel);
    this.#userStatus = userStatusApi(this.#channel);
  }

  /** Reports a login. */
  online(request: OnlineRequest, options?: CallOptions): Promise<OnlineResult> {
    return this.#call((api) => api.online(request, options));
  }

  /** Reports a logout. */
  offline(request: OfflineRequest, options?: CallOptions): Promise<OfflineResult> {
    return this.#call((api) => api.offline(request, options));
  }

  /** Asks for a user, or for one device of it. */
  getUser(request: GetUserRequest, options?: CallOptions): Promise<UserState> {
    return this.#call((api) => api.getUser(request, options));
  }

  /** Closes the channel and the discovery; calls under way fail. */
  async close(): Promise<void> {
    this.#channel.close();
    await this.#discovery.close();
  }

  async #call<T>(use: (api: PresenceApi) => Promise<T>): Promise<T> {
    try {
      return await use(this.#presenceService);
    } catch (error) {
      if (!(error instanceof ImstateError) || error.code !== 'UNIMPLEMENTED') throw error;
      return use(this.#userStatus);
    }
  }
}
