/** Why a session ended. */
export type EndReason = 'LOGOUT' | 'REPLACED';

/** What a chat server reports when a device logs in. */
export interface Login {
  userId: string;
  deviceId: string;
  sessionId: string;
  /** The chat server that holds the connection, host:port. */
  serverAddr: string;
  /** Such as "ios" or "web"; empty when the login named none. */
  platform: string;
}

/** What a chat server reports when a device logs out. */
export interface Logout {
  userId: string;
  deviceId: string;
  /** Ends this session only if it is the current one; undefined ends whatever is current. */
  sessionId: string | undefined;
}

/** One login of one device, as the store remembers it. Times are milliseconds since 1970 of the store's clock. */
export interface Session {
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  platform: string;
  online: boolean;
  loginTimeMs: number;
  /** When the session was last heard of: its login, its last refresh, or its logout. */
  lastSeenMs: number;
  /** When the session ended; undefined while online. */
  logoutTimeMs: number | undefined;
  /** Why the session ended; undefined while online. */
  endReason: EndReason | undefined;
}

/** Answer to {@link PresenceStore.online}. */
export interface LoginResult {
  /** When the session began; a refresh keeps the time of its login. */
  loginTimeMs: number;
  /** The session of this device that the login ended, if one was online. */
  replaced: Session | undefined;
}

/**
 * Where sessions live. Every change is one atomic step: a caller sees all of it or nothing, and nothing is
 * acknowledged before it is applied. Time is the store's own, so that daemons' clocks do not matter.
 *
 * Every method rejects with STORE_UNAVAILABLE when the store cannot be reached. The message of a change says
 * whether it may have been applied nevertheless.
 *
 * test/store/contract.ts holds every implementation to these rules.
 */
export interface PresenceStore {
  /** For people: the kind of store and where it is, without secrets. */
  readonly description: string;

  /**
   * Connects, and checks that the layout in the store is the one this version reads and writes. One attempt:
   * after STORE_UNAVAILABLE it may be called again. Must have resolved before any other method is used.
   */
  open(): Promise<void>;

  /**
   * Makes `login.sessionId` the current session of its device.
   * - If another session of the device was online, it ends with reason REPLACED and is returned.
   * - If that very session is current, it is refreshed (chat server, platform, last seen) and keeps its login
   *   time: repeating the call is harmless.
   * - A record of an earlier logout is overwritten together with the clock of its retention.
   */
  online(login: Login): Promise<LoginResult>;

  /**
   * Ends the session, and keeps the record readable for the retention. Returns true if a session ended.
   * - With a session id, only if it is the current one; else nothing changes.
   * - For a device that is unknown or already offline nothing changes and no record is written.
   */
  offline(logout: Logout): Promise<boolean>;

  /** The device's current session, or its last one within the retention; undefined if there is none. */
  getDevice(userId: string, deviceId: string): Promise<Session | undefined>;

  /** What {@link getDevice} would return for each device of the user, newest login first. */
  getUser(userId: string): Promise<Session[]>;

  /**
   * Removes up to a bounded number of records whose retention is over; readers hide them before that.
   * Returns true if more may be left. Any number of daemons may sweep at once.
   */
  sweep(): Promise<boolean>;

  /** Resolves if the store answers and can be used. */
  check(): Promise<void>;

  /** Ends the connection; calls under way fail. May be called twice. */
  close(): Promise<void>;
}

/** What both stores take. */
export interface StoreOptions {
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The store's clock for tests, in milliseconds since 1970; by default the store's own time. */
  clock?: () => number;
}
