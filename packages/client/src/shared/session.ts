/** Why a session ended. */
export type EndReason = 'LOGOUT' | 'REPLACED' | 'EXPIRED' | 'SERVER_LOST' | 'EVICTED';

/** Which other sessions of the user a login ends. */
export type LoginPolicy = 'KEEP_ALL' | 'REPLACE_SAME_PLATFORM' | 'REPLACE_ALL';

/** Names a session. */
export interface SessionRef {
  userId: string;
  deviceId: string;
  sessionId: string;
}

/** How the lease of a chat server stands. */
export interface Lease {
  /** RESYNC: the store may lack sessions of the chat server, which is asked to send them again. */
  state: 'ALIVE' | 'RESYNC' | 'LOST';
  incarnation: number;
  ttlMs: number;
  /** When it runs out, or ran out. Milliseconds since 1970. */
  expireTimeMs: number;
}
