import { randomFillSync } from 'node:crypto';
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

const SESSION_ID_BYTES = 12;
/** Random bytes for the next session ids, drawn for many at once: the system call costs more than all the rest. */
const pool = Buffer.alloc(SESSION_ID_BYTES * 256);
let used = pool.length;

/** 96 random bits: no two sessions of a deployment share one. */
function makeSessionId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SESSION_ID_BYTES;
  return pool.toString('base64url', used - SESSION_ID_BYTES, used);
}
