import type { EndedSession, OnlineRequest, OnlineResult } from '../calls/messages.js';
import type { ImstateError } from '../shared/errors.js';

/** Which chat server this process is, and what it wants to be told. */
export interface ServerOptions {
  /** Its address, host:port: where others reach its devices. */
  addr: string;
  /** Greater in every run of the chat server, 1 to 2^48 - 1; the start time of this process in ms by default. */
  incarnation?: number | undefined;
  /** How long its sessions outlive the process, or its connection to imstate: 1 s to 1 h, 10 s by default. Milliseconds. */
  leaseTtlMs?: number | undefined;
  /** How many sessions are sent again a second, at most, when the store has lost them; 10,000 by default. */
  resendsPerSecond?: number | undefined;
  /**
   * A session is over that this chat server did not end: another login has replaced it, it was evicted, or it was not renewed within
   * its time to live. Close its connection.
   */
  onEnded?: ((ended: EndedSession) => void) | undefined;
  /** No daemon answers: logins and logouts wait. Sessions end when that lasts longer than the lease, and come back by themselves. */
  onDisconnected?: ((error: ImstateError) => void) | undefined;
  /** A daemon answers again. */
  onReconnected?: (() => void) | undefined;
  /** Something failed, and is tried again or was given up: for the log. */
  onError?: ((error: ImstateError) => void) | undefined;
}

/** A login at the chat server: see OnlineRequest. Leave the session id out, and one is made. */
export type ServerLogin = Omit<OnlineRequest, 'serverAddr' | 'serverIncarnation' | 'loginTime'>;

/** Answer to a login at the chat server. */
export interface ServerLoginResult extends OnlineResult {
  sessionId: string;
}
