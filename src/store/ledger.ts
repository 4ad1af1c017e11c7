import type { EndReason } from 'imstate-client/internal/shared/session';
import type { Session } from '../presence/sessions.js';

/** A place in the ledger of one shard: later ones compare greater, first part first. */
export type Place = readonly [number, number];

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
export interface LedgerEntry {
  place: Place;
  change: Change;
}

/** A user's sessions that the ledger shows as online up to a place. */
export interface UserAt {
  userId: string;
  sessions: Session[];
}

/** Some users' sessions, as the ledger of their shard shows them up to `place`. */
export interface SnapshotPart {
  /** Names the users whom it covers, see {@link Ledger.partOf}. */
  part: string;
  shard: number;
  place: Place;
  users: UserAt[];
}

/**
 * The changes of a store, in order, a ledger a shard: what Watch follows. An entry is written in the same atomic step as its
 * change. It keeps the latest ones only.
 */
export interface Ledger {
  readonly shards: number;

  /** The shard in whose ledger a user's changes are. */
  shardOf(userId: string): number;

  /** The part of a snapshot of everybody that a user belongs to. */
  partOf(userId: string): string;

  /** The places of the oldest and newest entry of a shard. Both can be read from. */
  ends(shard: number): Promise<{ oldest: Place; newest: Place }>;

  /**
   * The changes behind a place, up to `limit`, and the place up to which they go. Undefined if the entry at the place is
   * gone: trimmed, or lost with the store's data; then it is not known what is missing.
   */
  read(
    shard: number,
    after: Place,
    limit: number,
  ): Promise<{ entries: LedgerEntry[]; upTo: Place } | undefined>;

  /** Calls when a shard may have news, as soon as it does. A call may get lost: look now and then. Returns what ends it. */
  onNews(listener: (shard: number) => void): () => void;

  /** The user's sessions, and the place up to which the ledger had got by then. */
  readUser(userId: string): Promise<{ sessions: Session[]; place: Place }>;

  /** All sessions of a shard, or those of some chat servers, part by part; each part at one instant. */
  snapshot(shard: number, serverAddrs: readonly string[] | undefined): AsyncIterable<SnapshotPart>;
}

/** True if the place is behind the other one. */
export function isBehind([a, b]: Place, [c, d]: Place): boolean {
  return a < c || (a === c && b < d);
}
