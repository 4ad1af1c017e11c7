import { randomBytes } from 'node:crypto';
import type { Login, LoginResult, PresenceStore, Session } from '../store/store.js';

/** A login as a chat server reports it: without a session id the daemon makes one. */
export type LoginReport = Omit<Login, 'sessionId'> & { sessionId: string | undefined };

/** What the two gRPC services share: presence on a store, for input that was checked at the edge. */
export class Presence {
  readonly #store: PresenceStore;

  constructor(store: PresenceStore) {
    this.#store = store;
  }

  /** See PresenceStore.online. */
  async online(report: LoginReport): Promise<LoginResult & { sessionId: string }> {
    const sessionId = report.sessionId ?? makeSessionId();
    const { userId, deviceId, serverAddr, platform } = report;
    const result = await this.#store.online({ userId, deviceId, sessionId, serverAddr, platform });
    return { loginTimeMs: result.loginTimeMs, replaced: result.replaced, sessionId };
  }

  /** See PresenceStore.offline. */
  offline(userId: string, deviceId: string, sessionId: string | undefined): Promise<boolean> {
    return this.#store.offline({ userId, deviceId, sessionId });
  }

  /** The device that is asked for, or all devices of the user, newest login first. */
  async devices(userId: string, deviceId: string | undefined): Promise<Session[]> {
    if (deviceId === undefined) return this.#store.getUser(userId);
    const device = await this.#store.getDevice(userId, deviceId);
    return device === undefined ? [] : [device];
  }
}

/** 96 random bits: no two sessions of a deployment share one. */
function makeSessionId(): string {
  return randomBytes(12).toString('base64url');
}
