import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { StoredAuditRecord } from '../presence/audit.js';
import { LIMITS } from '../presence/limits.js';
import type {
  FoundSessions,
  ServerPage,
  ServersPage,
  SessionFilter,
  SessionPage,
  Stats,
} from '../presence/listings.js';
import { type Routes, routesOf } from '../presence/routes.js';
import { superseded } from '../presence/rules.js';
import type {
  KeepAlive,
  KeepAliveResult,
  ServerDrain,
  ServerDrainResult,
  ServerEviction,
} from '../presence/servers.js';
import type { Ended, Login, LoginResult, LoginTrial, Logout, Session } from '../presence/sessions.js';
import {
  type Answer,
  allAnswers,
  type Operation,
  type UserQuery,
  type UserRead,
} from '../store/operations.js';
import { ReadBudget, ReadPool } from '../store/reads.js';
import type { PresenceStore } from '../store/store.js';
import { type AuditQuery, listAudit } from './audit/listAudit.js';
import { type HistoryEntry, type HistoryPage, type HistoryRules, pageOfHistory } from './history.js';
import type { ServerEvents } from './observability/serverEvents.js';
import type { SessionCounters } from './observability/sessionCounters.js';
import { SessionSearch } from './sessionSearch.js';

/** Whose sessions to end. */
export type EvictTarget =
  | { serverAddr: string }
  | { userId: string }
  | { device: DeviceRef }
  | { session: SessionRef };

/** Names a device. */
export type DeviceRef = Pick<SessionRef, 'userId' | 'deviceId'>;

/** Presence on a store, for validated input: what both gRPC services and the HTTP API use. */
export class Presence {
  /** Limits what is read for responses. The methods that read users take a budget of it. */
  readonly reads = new ReadPool(LIMITS.reads.max);
  readonly #store: PresenceStore;
  readonly #counters: SessionCounters;
  readonly #servers: ServerEvents;
  readonly #onEnded: () => void;
  readonly #search: SessionSearch;
  readonly #rules: HistoryRules;

  /** `onEnded` is called when sessions have ended whose ends the sweep must record. */
  constructor(
    store: PresenceStore,
    counters: SessionCounters,
    servers: ServerEvents,
    onEnded: () => void,
    { historyLimit, historyIp }: HistoryRules,
  ) {
    this.#store = store;
    this.#rules = { historyLimit, historyIp };
    this.#counters = counters;
    this.#servers = servers;
    this.#onEnded = onEnded;
    this.#search = new SessionSearch(store);
  }

  /** See PresenceStore.online. */
  async online(login: Login, peer: string): Promise<LoginResult> {
    try {
      const result = await this.#store.online(login, new ReadBudget(peer));
      this.#counters.login(login, result);
      return result;
    } catch (error) {
      this.#counters.loginFailed(error);
      throw error;
    }
  }

  /** See PresenceStore.validateLogin. */
  validateLogin(trial: LoginTrial, peer: string): Promise<LoginResult> {
    return this.#store.validateLogin(trial, new ReadBudget(peer));
  }

  /** See PresenceStore.offline. */
  async offline(logout: Logout): Promise<boolean> {
    const applied = await this.#store.offline(logout);
    this.#counters.logout(logout, applied);
    return applied;
  }

  /** See PresenceStore.apply. */
  async apply(operations: readonly Operation[], budget: ReadBudget): Promise<(Answer | Error)[]> {
    const answers = await this.#store.apply(operations, budget);
    this.#counters.operations(operations, answers);
    return answers;
  }

  /** See PresenceStore.heartbeat. The results are in the order of the sessions. */
  async heartbeat(sessions: SessionRef[]): Promise<(Ended | undefined)[]> {
    return allAnswers<'heartbeat'>(
      await this.#store.apply(sessions.map((request) => ({ type: 'heartbeat', request }))),
    );
  }

  /** See PresenceStore.keepServerAlive. Rejects with SUPERSEDED if a greater incarnation has the lease. */
  async keepServerAlive(keepAlive: KeepAlive): Promise<KeepAliveResult> {
    const result = await this.#store.keepServerAlive(keepAlive);
    if (result.hasEnded) this.#onEnded();
    if (result.incarnation <= keepAlive.incarnation) return result;
    this.#servers.noteSuperseded(keepAlive, result.incarnation);
    throw superseded(keepAlive, result.incarnation);
  }

  /** See PresenceStore.drainServer. Rejects with NOT_FOUND if the chat server has no lease. */
  async drainServer(drain: ServerDrain): Promise<ServerDrainResult> {
    const result = await this.#store.drainServer(drain);
    if (result.hasLease) {
      this.#servers.noteDrain(drain, result);
      return result;
    }
    if (result.isPartial)
      throw new ImstateError(
        'STORE_UNAVAILABLE',
        'part of the store does not answer, and may have the lease: try again',
      );
    throw new ImstateError(
      'NOT_FOUND',
      `chat server ${drain.serverAddr} has no lease, so that it cannot drain: imstate servers lists those that have`,
    );
  }

  /**
   * Ends sessions. `more` is true if another call would end more. Rejects if some could not be ended, and says
   * how many were.
   */
  async evict(
    target: EvictTarget,
    reasonText: string,
    peer: string,
  ): Promise<{ evicted: number; more: boolean }> {
    const { evicted, more, failure } = await this.#evict(target, reasonText, peer);
    this.#counters.ended.EVICTED += evicted;
    // A caller that does not know partial results must not consider the eviction complete.
    if (failure !== undefined && !more) throw partialEviction(evicted, failure);
    return { evicted, more };
  }

  /** The requested device, or all devices of the user, newest login first. */
  async devices(userId: string, deviceId: string | undefined, budget: ReadBudget): Promise<Session[]> {
    if (deviceId === undefined) return this.#store.getUser(userId, budget);
    const device = await this.#store.getDevice(userId, deviceId);
    return device === undefined ? [] : [device];
  }

  /** A user: the devices, newest login first, and when the user was last online if that is asked for. */
  async user(query: UserQuery, budget: ReadBudget): Promise<UserRead> {
    const answers = await this.#store.apply([{ type: 'getUser', request: query }], budget);
    return allAnswers<'getUser'>(answers)[0] as UserRead;
  }

  /** {@link user} for each user. A repeated user is read once. */
  async users(userIds: string[], includeLastSeen: boolean, budget: ReadBudget): Promise<UserRead[]> {
    const unique = [...new Set(userIds)];
    const answers = await this.#store.apply(
      unique.map((userId) => ({ type: 'getUser', request: { userId, includeLastSeen } })),
      budget,
    );
    rejectIncomplete(answers);
    const users = allAnswers<'getUser'>(answers);
    if (unique.length === userIds.length) return users;
    const byUser = new Map(unique.map((userId, i) => [userId, users[i] as UserRead]));
    return userIds.map((userId) => byUser.get(userId) as UserRead);
  }

  /**
   * Where to deliver messages for the users. Users of shards that do not answer are `unavailable`; it rejects if
   * none answers.
   */
  async route(userIds: string[], budget: ReadBudget): Promise<Routes> {
    const unique = [...new Set(userIds)];
    const answers = await this.#store.apply(
      unique.map((userId) => ({ type: 'getUser', request: { userId } })),
      budget,
    );
    if (answers.every(isUnavailable)) throw answers[0];
    return routesOf(
      unique.map((userId, i) => {
        const answer = answers[i] as UserRead | Error;
        if (isUnavailable(answer)) return { userId, sessions: undefined };
        if (answer instanceof Error) throw answer;
        return { userId, sessions: answer.sessions };
      }),
    );
  }

  /** A page of the sessions of the user: those that last, then past ones, newest first. */
  history(
    userId: string,
    page: HistoryPage,
    peer: string,
  ): Promise<{ entries: HistoryEntry[]; next: string | undefined }> {
    return this.reads.use(peer, async (budget) => {
      // Current sessions first: a session that ends between the two reads is in both, and counts as past.
      const devices = await this.#store.getUser(userId, budget);
      return pageOfHistory(devices, await this.#store.getHistory(userId), page, this.#rules);
    });
  }

  /**
   * A page of the sessions that are online, or with a filter of those that pass it. `isAwaited` returns false
   * once the caller has gone.
   */
  async sessions(page: SessionPage, filter: SessionFilter, isAwaited: () => boolean): Promise<FoundSessions> {
    if (Object.values(filter).some((value) => value !== undefined))
      return this.#search.find(page, filter, isAwaited);
    const listed = await this.#store.listSessions(page);
    return { ...listed, scanned: listed.sessions.length };
  }

  /** See PresenceStore.listServers. */
  servers(page: ServerPage): Promise<ServersPage> {
    return this.#store.listServers(page);
  }

  /** A page of the audit trail. */
  audit(query: AuditQuery): Promise<{ records: StoredAuditRecord[]; next: string | undefined }> {
    return listAudit(this.#store, query);
  }

  /** See PresenceStore.getStats. */
  stats(): Promise<Stats> {
    return this.#store.getStats();
  }

  /** See PresenceStore.getFeatureLevel. */
  featureLevel(): Promise<number> {
    return this.#store.getFeatureLevel();
  }

  /** See PresenceStore.raiseFeatureLevel. */
  raiseFeatureLevel(level: number): Promise<number> {
    return this.#store.raiseFeatureLevel(level);
  }

  async #evict(target: EvictTarget, reasonText: string, peer: string): Promise<ServerEviction> {
    if ('serverAddr' in target) return this.#store.evictServer(target.serverAddr, reasonText);
    if ('userId' in target) {
      const evicted = await this.#store.evictUser(target.userId, reasonText, new ReadBudget(peer));
      return { evicted, more: false, failure: undefined };
    }
    const session = 'device' in target ? { ...target.device, sessionId: '' } : target.session;
    const evicted = Number(await this.#store.evictSession(session, reasonText));
    return { evicted, more: false, failure: undefined };
  }
}

/**
 * Throws the error of a batch of reads if any failed, and says how many: a missing user must not read as
 * offline.
 */
function rejectIncomplete(answers: readonly unknown[]): void {
  const failures = answers.filter((answer) => answer instanceof Error);
  const [first] = failures;
  if (!isUnavailable(first) || answers.length === 1) return;
  const message =
    `${failures.length} of ${answers.length} users cannot be read: ${first.message}; ` +
    'to read the others, use get_user in Apply';
  throw new ImstateError('STORE_UNAVAILABLE', message, { cause: first });
}

/** Whether a read failed because its shard did not answer. */
function isUnavailable(answer: unknown): answer is ImstateError {
  return answer instanceof ImstateError && answer.code === 'STORE_UNAVAILABLE';
}

/** Some sessions have ended, and others could not be ended. */
function partialEviction(evicted: number, failure: ImstateError): ImstateError {
  const message = `${evicted} sessions were evicted, but not all: ${failure.message}; evict again`;
  return new ImstateError(failure.code, message, { cause: failure });
}
