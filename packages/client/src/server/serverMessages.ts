import type { EndedSession, OnlineRequest, OnlineResult } from '../calls/messages.js';
import type { ImstateError } from '../shared/errors.js';
import type { SessionRef } from '../shared/session.js';

/** Which chat server this process is, and its callbacks. */
export interface ServerOptions {
  /** Its address, `host:port`, where other chat servers reach it. */
  addr: string;
  /**
   * Greater in every run of the chat server, 1 to 2^48 - 1. The default is the start time of this process, in
   * milliseconds.
   */
  incarnation?: number | undefined;
  /**
   * How long its sessions outlive the process, or its connection to imstate. Milliseconds, 1 s to 1 h; 10 s
   * by default.
   */
  leaseTtlMs?: number | undefined;
  /** Maximum sessions resent per second during a resync; 10,000 by default. */
  resendsPerSecond?: number | undefined;
  /**
   * A session has ended that this chat server did not log out: a newer login replaced it, it was evicted, or
   * it was not renewed within its time to live. Close its connection.
   */
  onEnded?: ((ended: EndedSession) => void) | undefined;
  /**
   * The chat server drains (`imstate drain`), and this session's turn has come: close its connection, and log the
   * session out, so that its device connects to another chat server. Called for one session after the other until
   * the deadline. Nobody sees a device offline that logs in elsewhere within the grace of the drain.
   */
  onDrain?: ((session: DrainingSession) => void) | undefined;
  /**
   * No daemon responds: logins and logouts wait. If this lasts longer than the lease, the sessions end; they
   * come back when a daemon responds again.
   */
  onDisconnected?: ((error: ImstateError) => void) | undefined;
  /** A daemon responds again. */
  onReconnected?: (() => void) | undefined;
  /** Something failed, and is retried or was given up. Log it. */
  onError?: ((error: ImstateError) => void) | undefined;
}

/** A session to close because its chat server drains. */
export interface DrainingSession extends SessionRef {
  /** How many sessions are still to be closed after it. */
  left: number;
}

/** A login at a chat server, see {@link OnlineRequest}. By default the client creates the session ID. */
export type ServerLogin = Omit<OnlineRequest, 'serverAddr' | 'serverIncarnation' | 'loginTime'>;

/** The response to a login at a chat server. */
export interface ServerLoginResult extends OnlineResult {
  /** The ID of the session. */
  sessionId: string;
}
