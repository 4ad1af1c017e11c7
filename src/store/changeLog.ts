import type { EndReason, LoginDetails } from 'imstate-client/internal/shared/session';
import type { Session } from '../presence/sessions.js';

/** A position in the change log of one shard. Later ones are greater; the first part counts first. */
export type LogPosition = readonly [number, number];

/** A session that is current. */
export interface BegunSession {
  sessionId: string;
  serverAddr: string;
  platform: string;
  /** Milliseconds since 1970. */
  loginTimeMs: number;
  details: LoginDetails;
}

/** A login that ended a session. */
export interface ReplacingLogin extends BegunSession {
  deviceId: string;
}

/** A session that ended. */
export interface EndedSession {
  sessionId: string;
  serverAddr: string;
  platform: string;
  reason: EndReason;
  /** The reason text of an eviction; '' for none. */
  reasonText: string;
  /** The login of another device that replaced it. The one of its own device is `began` of the change. */
  by: ReplacingLogin | undefined;
}

/**
 * A change of one device: it went online or offline, or moved to another session, chat server or platform.
 */
export interface Change {
  userId: string;
  deviceId: string;
  wasOnline: boolean;
  /** The session that is current now; undefined if the device is offline. */
  began: BegunSession | undefined;
  /** The session that ended. */
  ended: EndedSession | undefined;
  /** How many devices of the user are online now. */
  devicesOnline: number;
  /** Milliseconds since 1970, of the store's clock. */
  timeMs: number;
}

/** A change and its position. */
export interface ChangeLogEntry {
  position: LogPosition;
  change: Change;
}

/** How many changes of a user a part has at most: of the largest, a megabyte. */
export const CHANGES_PER_PART = 250;

/** The changes of a user in a part of the change log. */
export interface UserChanges {
  entries: ChangeLogEntry[];
  /** Where to continue; undefined if that was the last part. */
  next: string | undefined;
}

/** A user's sessions that are online at a position of the change log. */
export interface UserAt {
  userId: string;
  sessions: Session[];
}

/** The sessions of some users at a position of the change log of their shard. */
export interface SnapshotPart {
  /** Names the users that the part covers, see {@link ChangeLog.partOf}. */
  part: string;
  shard: number;
  position: LogPosition;
  users: UserAt[];
}

/**
 * The changes of a store, in order, one change log per shard: what watches follow. An entry is written
 * atomically with its change. Only the latest entries are kept.
 */
export interface ChangeLog {
  readonly shards: number;

  /** The shard whose change log has the changes of a user. */
  shardOf(userId: string): number;

  /** The part of a snapshot of everything to which a user belongs. */
  partOf(userId: string): string;

  /** Names a change of a shard for ever, also if positions are used again because the store was restored. */
  changeId(shard: number, entry: ChangeLogEntry): string;

  /** The positions of the oldest and the newest entry of a shard. Both can be read from. */
  ends(shard: number): Promise<{ oldest: LogPosition; newest: LogPosition }>;

  /**
   * A position before all changes of a shard since a time, milliseconds since 1970; undefined if changes since then
   * may be gone.
   */
  positionBefore(shard: number, timeMs: number): Promise<LogPosition | undefined>;

  /**
   * How many changes of a shard follow a position, up to `max`, and when the first of them happened, milliseconds since
   * 1970. Undefined if the entry at the position is gone.
   */
  countAfter(
    shard: number,
    position: LogPosition,
    max: number,
  ): Promise<{ changes: number; oldestMs: number | undefined } | undefined>;

  /**
   * Up to `limit` changes after a position, and the position that they reach. Undefined if the entry at the
   * position is gone, trimmed or lost with the store's data: then it is unknown what is missing.
   */
  read(
    shard: number,
    after: LogPosition,
    limit: number,
  ): Promise<{ entries: ChangeLogEntry[]; upTo: LogPosition } | undefined>;

  /**
   * Calls the listener when the change log of a shard may have grown. Best effort: readers also poll. Returns
   * what ends the subscription.
   */
  onGrowth(listener: (shard: number) => void): () => void;

  /** The user's sessions, and the position of the change log at that time. */
  readUser(userId: string): Promise<{ sessions: Session[]; position: LogPosition }>;

  /** All sessions of a shard, or those of some chat servers, part by part; each part at one instant. */
  snapshot(shard: number, serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart>;
}

/** True if the first position is before the second one. */
export function isBehind([a, b]: LogPosition, [c, d]: LogPosition): boolean {
  return a < c || (a === c && b < d);
}
