import type {
  LoginPolicy as PolicyWord,
  SessionRef,
  EndReason as StoredEndReason,
} from '../shared/session.js';

/** Why a session ended. UNKNOWN: for a reason that only a later version of imstate knows. */
export type EndReason = StoredEndReason | 'UNKNOWN';

/** Which other sessions of the user a login ends; each word in the spelling of the library or of the command line. */
export type LoginPolicy = PolicyWord | 'keep-all' | 'replace-same-platform' | 'replace-all';

/** What one call may be given. */
export interface CallOptions {
  /** Overrides the client's timeout. Milliseconds. */
  timeoutMs?: number | undefined;
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A login to report. */
export interface OnlineRequest {
  userId: string;
  deviceId: string;
  /** The chat server that holds the connection, host:port. */
  serverAddr: string;
  /** Repeat a call with the same id and it is harmless; the daemon makes one if it is left out. */
  sessionId?: string | undefined;
  /** Such as "ios" or "web". */
  platform?: string | undefined;
  /** How long the session lasts unless it is renewed, 1 s to 30 days; left out, until something ends it. Milliseconds. */
  ttlMs?: number | undefined;
  /** Anything to say of the device: at most 1 KiB. */
  metadata?: Record<string, string> | undefined;
  /** Which other sessions of the user the login ends; KEEP_ALL by default. Any other word is refused with INVALID_ARGUMENT. */
  policy?: LoginPolicy | undefined;
  /** The session belongs to the lease of this run of the chat server; left out, to whatever lease it keeps. */
  serverIncarnation?: number | undefined;
  /** Only of a session that is sent again after a loss: what the first answer said. */
  loginTime?: Date | undefined;
}

/** A session that is over: its chat server should close the connection. */
export interface EndedSession extends SessionRef {
  serverAddr: string;
  /** Undefined if that is not known (any more). */
  reason: EndReason | undefined;
}

/** Answer to a login. */
export interface OnlineResult {
  /** Undefined if the server knows no sessions (it speaks pb.UserStatus only). */
  sessionId: string | undefined;
  /** Undefined if the server does not tell. */
  loginTime: Date | undefined;
  replaced: EndedSession[];
  /** How many more sessions the login ended, for which the answer had no room. */
  replacedOmitted: number;
  /** Why the session had ended already: nothing changed then. Undefined in the usual case. */
  endReason: EndReason | undefined;
}

/** A logout to report. */
export interface OfflineRequest {
  userId: string;
  deviceId: string;
  /** Ends this session only if it is still the current one; left out, whatever is current. */
  sessionId?: string | undefined;
  /** The device stays online for this long, and a login meanwhile makes the logout unseen: at most 1 h. Milliseconds. */
  graceMs?: number | undefined;
}

/** Answer to a logout. */
export interface OfflineResult {
  /** True if a session ended, or will after its grace; undefined if the server does not tell (it speaks pb.UserStatus only). */
  applied: boolean | undefined;
}

/** Answer to a heartbeat. */
export interface HeartbeatResult {
  /**
   * Those that are no longer current. LOGOUT, REPLACED, EVICTED: close the connection. EXPIRED, SERVER_LOST or
   * undefined: if the connection still stands, send the session again with online().
   */
  ended: EndedSession[];
}

/** Whom to ask for. */
export interface GetUserRequest {
  userId: string;
  /** Only this device. */
  deviceId?: string | undefined;
  /** Fill in {@link DeviceState.explanation}. */
  explain?: boolean | undefined;
}

/** The lease of a chat server. */
export interface LeaseState {
  /**
   * RESYNC: the chat server is asked to send its sessions again. LOST: it ran out, and its sessions are being ended. UNKNOWN: a state
   * that only a later version of imstate knows.
   */
  state: 'ALIVE' | 'RESYNC' | 'LOST' | 'UNKNOWN';
  incarnation: number;
  /** How long it lasts after it was kept alive. Milliseconds. */
  ttlMs: number;
  /** When it runs out unless it is kept alive. */
  expireTime: Date | undefined;
}

/** Why a device is shown as it is; what does not apply is undefined. */
export interface Explanation {
  /** How long the session lasts after it was last seen. Milliseconds. */
  ttlMs: number | undefined;
  /** When it expires unless it is renewed. */
  expireTime: Date | undefined;
  /** When an announced logout takes effect unless the device logs in before. */
  graceEndTime: Date | undefined;
  /** Until when the record of an offline device stays readable. */
  forgetTime: Date | undefined;
  /** The lease to which the session belongs. */
  lease: LeaseState | undefined;
}

/** A device's current session, or its last one while that is retained. Undefined is what the server does not tell. */
export interface DeviceState {
  deviceId: string;
  online: boolean;
  sessionId: string | undefined;
  /** host:port. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  loginTime: Date | undefined;
  lastSeen: Date | undefined;
  /** Undefined while online. */
  logoutTime: Date | undefined;
  /** Undefined while online. */
  reason: EndReason | undefined;
  /** What the login said of the device. */
  metadata: Record<string, string>;
  /** Undefined unless it was asked for. */
  explanation: Explanation | undefined;
}

/** A user and the devices that are known of it, newest login first. */
export interface UserState {
  userId: string;
  online: boolean;
  devices: DeviceState[];
  /** True if the metadata of the devices was left out, because the answer would be too large; ask for fewer users, or one device. */
  metadataOmitted?: boolean | undefined;
  /** How many devices were left out for the same reason; 0 is left out. */
  devicesOmitted?: number | undefined;
}
