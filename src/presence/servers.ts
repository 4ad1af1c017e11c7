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
  /** True if shards did not answer: for their users the lease was not kept alive. */
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
