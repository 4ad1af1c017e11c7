/** Why a session ended. */
export type EndReason = 'LOGOUT' | 'REPLACED' | 'EXPIRED' | 'SERVER_LOST' | 'EVICTED';

/** Which other sessions of the user a login ends. */
export type LoginPolicy = 'KEEP_ALL' | 'REPLACE_SAME_PLATFORM' | 'REPLACE_ALL';

/** By what people recognise a session. Each is '' if the login named none. */
export interface LoginDetails {
  /** The IP address of the client. */
  clientIp: string;
  /** A name for the device, such as `Anna's phone`. */
  label: string;
  /** The version of the app. */
  appVersion: string;
}

/** Names one session. */
export interface SessionRef {
  /** 1 to 256 bytes. */
  userId: string;
  /** 1 to 256 bytes; unique for the user. */
  deviceId: string;
  /** 1 to 256 bytes. */
  sessionId: string;
}

/** The lease of a chat server. */
export interface Lease {
  /**
   * RESYNC: the store may lack sessions of the chat server, which is asked to resend them. DRAINING: it is asked to
   * close its sessions.
   */
  state: 'ALIVE' | 'RESYNC' | 'DRAINING' | 'LOST';
  incarnation: number;
  ttlMs: number;
  /** When it runs out, or ran out. Milliseconds since 1970. */
  expireTimeMs: number;
  /** When all sessions are to be closed; undefined unless it drains. Milliseconds since 1970. */
  drainDeadlineMs: number | undefined;
}
