import { type Answer, allAnswers, type Operation } from '../store/operations.js';
import type {
  ChatServer,
  Ended,
  KeepAlive,
  KeepAliveResult,
  Login,
  LoginResult,
  Logout,
  PresenceStore,
  Session,
  SessionPage,
  SessionRef,
  Stats,
  UserSession,
} from '../store/store.js';
import { type HistoryEntry, type HistoryPage, pageOfHistory } from './history.js';
import type { Transitions } from './observe/transitions.js';

/** Whose sessions to end. */
export type EvictTarget = { serverAddr: string } | { userId: string } | { session: SessionRef };

/** What the two gRPC services share: presence on a store, for input that was checked at the edge. */
export class Presence {
  readonly #store: PresenceStore;
  readonly #transitions: Transitions;
  readonly #onEnded: () => void;

  /** `onEnded` is told when sessions ended that the sweep has yet to write down. */
  constructor(store: PresenceStore, transitions: Transitions, onEnded: () => void) {
    this.#store = store;
    this.#transitions = transitions;
    this.#onEnded = onEnded;
  }

  /** See PresenceStore.online. */
  async online(login: Login): Promise<LoginResult> {
    try {
      const result = await this.#store.online(login);
      this.#transitions.login(result);
      return result;
    } catch (error) {
      this.#transitions.loginFailed(error);
      throw error;
    }
  }

  /** See PresenceStore.offline. */
  async offline(logout: Logout): Promise<boolean> {
    const applied = await this.#store.offline(logout);
    this.#transitions.logout(logout, applied);
    return applied;
  }

  /** See PresenceStore.apply. */
  async apply(operations: readonly Operation[]): Promise<(Answer | Error)[]> {
    const answers = await this.#store.apply(operations);
    this.#transitions.operations(operations, answers);
    return answers;
  }

  /** See PresenceStore.heartbeat; answers in order. */
  async heartbeat(sessions: SessionRef[]): Promise<(Ended | undefined)[]> {
    return allAnswers<'heartbeat'>(
      await this.#store.apply(sessions.map((of) => ({ kind: 'heartbeat', of }))),
    );
  }

  /** See PresenceStore.keepServerAlive. */
  async keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult> {
    const result = await this.#store.keepServerAlive(keepAlive);
    if (result.hasEnded) this.#onEnded();
    return result;
  }

  /** Ends sessions; `more` is true if a further call would end further ones. */
  async evict(target: EvictTarget): Promise<{ evicted: number; more: boolean }> {
    const result = await this.#evict(target);
    this.#transitions.ended.EVICTED += result.evicted;
    return result;
  }

  /** The device that is asked for, or all devices of the user, newest login first. */
  async devices(userId: string, deviceId: string | undefined): Promise<Session[]> {
    if (deviceId === undefined) return this.#store.getUser(userId);
    const device = await this.#store.getDevice(userId, deviceId);
    return device === undefined ? [] : [device];
  }

  /** The devices of each of the users, newest login first. One that is named several times is read once. */
  async devicesOfEach(userIds: string[]): Promise<Session[][]> {
    const unique = [...new Set(userIds)];
    const devices = allAnswers<'getUser'>(
      await this.#store.apply(unique.map((userId) => ({ kind: 'getUser', of: { userId } }))),
    );
    if (unique.length === userIds.length) return devices;
    const byUser = new Map(unique.map((userId, i) => [userId, devices[i] as Session[]]));
    return userIds.map((userId) => byUser.get(userId) as Session[]);
  }

  /** A page of the user's sessions: those that last, then those that ended, newest first. */
  async history(
    userId: string,
    page: HistoryPage,
  ): Promise<{ entries: HistoryEntry[]; next: string | undefined }> {
    // What lasts first: a session that ends between the two reads is in both, and then taken from the history.
    const devices = await this.#store.getUser(userId);
    return pageOfHistory(devices, await this.#store.getHistory(userId), page);
  }

  /** See PresenceStore.listSessions. */
  sessions(page: SessionPage): Promise<{ sessions: UserSession[]; next: string | undefined }> {
    return this.#store.listSessions(page);
  }

  /** See PresenceStore.listServers. */
  servers(): Promise<ChatServer[]> {
    return this.#store.listServers();
  }

  /** See PresenceStore.getStats. */
  stats(): Promise<Stats> {
    return this.#store.getStats();
  }

  async #evict(target: EvictTarget): Promise<{ evicted: number; more: boolean }> {
    if ('serverAddr' in target) return this.#store.evictServer(target.serverAddr);
    if ('userId' in target) return { evicted: await this.#store.evictUser(target.userId), more: false };
    return { evicted: (await this.#store.evictSession(target.session)) ? 1 : 0, more: false };
  }
}
