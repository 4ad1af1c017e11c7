import type { PolicyLimit, SessionPolicy } from 'imstate-client/internal/shared/policy';
import type { EndReason, Lease, LoginDetails, SessionRef } from 'imstate-client/internal/shared/session';

/** What a chat server reports when a device logs in. */
export interface Login extends SessionRef {
  /** The chat server that holds the connection, host:port. */
  serverAddr: string;
  /** Such as "ios" or "web"; empty when the login named none. */
  platform: string;
  /** How long the session lasts after it was last renewed; 0 for as long as nothing ends it. Milliseconds. */
  ttlMs: number;
  metadata: Record<string, string>;
  details: LoginDetails;
  /** Decides about the sessions on the user's other devices. */
  policy: SessionPolicy;
  /** Incarnation of the chat server; 0 takes the one of its lease, if it has one. */
  incarnation: number;
  /**
   * The login time of a session that is resent after a loss; 0 for one that is not. Milliseconds since 1970.
   */
  resentLoginTimeMs: number;
  /** True if the id is the daemon's own, so that this can be no repeat of a call. */
  isNewSessionId: boolean;
}

/** What a chat server reports when a device logs out. */
export interface Logout {
  userId: string;
  deviceId: string;
  /** Ends this session only if it is the current one; undefined ends whatever is current. */
  sessionId: string | undefined;
  /** The session stays online for this long; 0 ends it at once. Milliseconds. */
  graceMs: number;
}

/** One login of one device, as the store keeps it. Times are milliseconds since 1970 of the store's clock. */
export interface Session {
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  platform: string;
  metadata: Record<string, string>;
  details: LoginDetails;
  online: boolean;
  loginTimeMs: number;
  /** When the session was last seen: its login, its last renewal, or its logout. */
  lastSeenMs: number;
  /** When the session ended; undefined while online. */
  logoutTimeMs: number | undefined;
  /** Why the session ended; undefined while online. */
  endReason: EndReason | undefined;
  /** The reason text of the eviction that ended the session; '' for none. */
  reasonText: string;
  /**
   * How long the session lasts after `lastSeenMs` unless it is renewed; 0 if it has no time to live, or has
   * ended.
   */
  ttlMs: number;
  /** When an announced logout takes effect; 0 if there is none. */
  graceEndMs: number;
  /** Until when the record of an ended session is readable; 0 while online. */
  removalTimeMs: number;
  /** The lease to which the session belongs; undefined if to none, or if the session has ended. */
  lease: Lease | undefined;
}

/** A session of some user. */
export interface UserSession {
  userId: string;
  session: Session;
}

/** A session that a login ended. */
export interface ReplacedSession {
  deviceId: string;
  sessionId: string;
  /** The chat server that holds its connection. */
  serverAddr: string;
}

/** Answer to {@link PresenceStore.online}. */
export interface LoginResult {
  /** When the session began; a refresh keeps the time of its login. 0 if nothing was changed. */
  loginTimeMs: number;
  /** The sessions that the login ended, or would end. */
  replaced: ReplacedSession[];
  /** How many more there are; absent if there are none. */
  replacedOmitted?: number;
  /** Why the session had ended already; nothing was changed then. */
  endReason: EndReason | undefined;
  /** Why the policy rejected the login; nothing was changed then. */
  rejection: LoginRejection | undefined;
}

/** How many sessions a response names that stand in the way of a login, or that a dry run would end. */
export const MAX_NAMED = 32;

/** Why a policy rejects a login. */
export interface LoginRejection {
  /** The limit that the login would exceed. */
  limit: PolicyLimit;
  /** The sessions that stand in the way, oldest first, without metadata: at most {@link MAX_NAMED}. */
  conflicts: Session[];
  /** How many more there are. */
  conflictsOmitted: number;
}

/** A login to try, see {@link PresenceStore.validateLogin}. */
export type LoginTrial = Pick<Login, 'userId' | 'deviceId' | 'sessionId' | 'platform' | 'policy'>;

/** What is known of a session that is not current. */
export interface Ended {
  /** Why it ended; undefined if that is not known. */
  reason: EndReason | undefined;
  /** The reason text of an eviction; '' for none. */
  reasonText: string;
}

/** A session in the history of a user. */
export interface PastSession {
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  platform: string;
  loginTimeMs: number;
  endTimeMs: number;
  endReason: EndReason;
  /** As the history keeps them. */
  details: LoginDetails;
  /** The reason text of an eviction; '' for none. */
  reasonText: string;
}
