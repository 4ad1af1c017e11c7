import type { EndReason } from 'imstate-client/internal/shared/session';
import type { Session } from '../presence/sessions.js';

/** A place in the change log of one shard: later ones compare greater, first part first. */
export type LogPosition = readonly [number, number];

/** A session that is current. */
export interface BegunSession {
  sessionId: string;
  serverAddr: string;
  platform: string;
  /** Milliseconds since 1970. */
  loginTimeMs: number;
}

/** A session that ended. */
interface OverSession {
  sessionId: string;
  serverAddr: string;
  platform: string;
  reason: EndReason;
}

/** A change of one device: it went online or offline, or got another session, chat server or platform. */
export interface Change {
  userId: string;
  deviceId: string;
  wasOnline: boolean;
  /** The session that is current now; undefined if the device is offline. */
  began: BegunSession | undefined;
  /** The session that ended. */
  ended: OverSession | undefined;
  /** How many devices of the user are online now. */
  devicesOnline: number;
  /** Milliseconds since 1970 of the store's clock. */
  timeMs: number;
}

/** A change at its place. */
export interface ChangeLogEntry {
  place: LogPosition;
  change: Change;
}

/** A user's sessions that the change log shows as online up to a place. */
export interface UserAt {
  userId: string;
  sessions: Session[];
}

/** Some users' sessions, as the change log of their shard shows them up to `place`. */
export interface SnapshotPart {
  /** Names the users whom it covers, see {@link ChangeLog.partOf}. */
  part: string;
  shard: number;
  place: LogPosition;
  users: UserAt[];
}

/**
 * The changes of a store, in order, a change log a shard: what Watch follows. An entry is written in the same atomic step as its
 * change. It keeps the latest ones only.
 */
export interface ChangeLog {
  readonly shards: number;

  /** The shard in whose change log a user's changes are. */
  shardOf(userId: string): number;

  /** The part of a snapshot of everybody that a user belongs to. */
  partOf(userId: string): string;

  /** The places of the oldest and newest entry of a shard. Both can be read from. */
  ends(shard: number): Promise<{ oldest: LogPosition; newest: LogPosition }>;

  /**
   * The changes behind a place, up to `limit`, and the place up to which they go. Undefined if the entry at the place is
   * gone: trimmed, or lost with the store's data; then it is not known what is missing.
   */
  read(
    shard: number,
    after: LogPosition,
    limit: number,
  ): Promise<{ entries: ChangeLogEntry[]; upTo: LogPosition } | undefined>;

  /** Calls when a shard may have news, as soon as it does. A call may get lost: look now and then. Returns what ends it. */
  onNews(listener: (shard: number) => void): () => void;

  /** The user's sessions, and the place up to which the change log had got by then. */
  readUser(userId: string): Promise<{ sessions: Session[]; place: LogPosition }>;

  /** All sessions of a shard, or those of some chat servers, part by part; each part at one instant. */
  snapshot(shard: number, serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart>;
}

/** True if the place is behind the other one. */
export function isBehind([a, b]: LogPosition, [c, d]: LogPosition): boolean {
  return a < c || (a === c && b < d);
}
