import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Lease } from 'imstate-client/internal/shared/session';

/** What a chat server sends to keep its lease. */
export interface KeepAlive {
  serverAddr: string;
  /** Greater in every run of the chat server. */
  incarnation: number;
  ttlMs: number;
  /** The token of a resync that is done; empty if none is. */
  resynced: string;
}

/** Answer to {@link PresenceStore.keepServerAlive}. */
export interface KeepAliveResult {
  /** The incarnation that the store knows: a greater one than was given has superseded the caller. */
  incarnation: number;
  /**
   * Not empty while the store may lack sessions of the chat server; return it in `resynced` when all are
   * sent.
   */
  resyncToken: string;
  /** True if the call made sessions end that the sweep has still to record. */
  hasEnded: boolean;
  /** The drain of the chat server; undefined if it does not drain. */
  drain: DrainProgress | undefined;
  /** True if shards did not answer: for their users the lease was not kept alive. */
  isPartial: boolean;
}

/** How a chat server has to drain. */
export interface DrainProgress {
  /** How long it has left; 0 if its deadline is over. Milliseconds. */
  remainingMs: number;
  /** The time from its first keep-alive, with which it learned of the drain, to the deadline. Milliseconds. */
  windowMs: number;
  /** How many sessions it had then. */
  sessions: number;
}

/**
 * How many sessions to close in a second, evenly over the window. Not by the sessions that are left: those in their
 * grace are closed and still online.
 */
export function drainPace({ windowMs, sessions }: DrainProgress): number {
  return Math.ceil(sessions / Math.max(1, windowMs / 1_000));
}

/** How a chat server drains. */
interface DrainPlan {
  /** After how long all sessions are to be closed. Milliseconds. */
  overMs: number;
  /** How long the devices whose sessions end there stay online at least. Milliseconds. */
  graceMs: number;
}

/** Which chat server is to drain, and how; undefined cancels it. */
export interface ServerDrain {
  serverAddr: string;
  drain: DrainPlan | undefined;
}

/** Answer to {@link PresenceStore.drainServer}. */
export interface ServerDrainResult {
  /** False if the chat server has no lease: then nothing was changed. */
  hasLease: boolean;
  /** How many sessions are online there. */
  sessions: number;
  /** When all sessions are to be closed; 0 for none. Milliseconds since 1970. */
  deadlineMs: number;
  /** True if shards did not answer: there nothing was changed. */
  isPartial: boolean;
}

/** Answer to {@link PresenceStore.evictServer}. */
export interface ServerEviction {
  /** How many sessions ended. */
  evicted: number;
  /** True if a further call would end further ones. */
  more: boolean;
  /** Why sessions of some shards were left, where a shard did not answer; undefined if none were. */
  failure: ImstateError | undefined;
}

/** A chat server that has sessions or a lease. */
export interface ChatServer {
  serverAddr: string;
  sessions: number;
  lease: Lease | undefined;
}
