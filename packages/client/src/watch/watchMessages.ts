import type { DeviceState, EndedSession } from '../calls/messages.js';
import type { ImstateError } from '../shared/errors.js';

/** What to watch: `users`, `servers` or `everything`, one of the three; and from where on. */
export interface WatchOptions {
  /** These users: at most 10,000, whose ids take at most 900 KiB together. More come and go by add() and remove(). */
  users?: Iterable<string> | undefined;
  /** The sessions of these chat servers: 1 to 1,000, each host:port. */
  servers?: string[] | undefined;
  /** Everybody. */
  everything?: true | undefined;
  /** Begin with how things stand; true by default. Without it, begin with the first change from now on. */
  initialState?: boolean | undefined;
  /** Begin with the first change after this revision, which an earlier watch of the same gave; no initial state then. */
  resumeRevision?: string | undefined;
  /** For a slow reader: of several changes of a device that wait, tell the newest only. False by default. */
  coalesce?: boolean | undefined;
  /** Ends the watch, whose iteration then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A session that is current. */
export interface SessionBegin {
  sessionId: string;
  /** host:port. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  loginTime: Date | undefined;
}

/** A change of one device. */
export interface Change {
  userId: string;
  deviceId: string;
  /** Whether the device was online before; if it is now too, another session has replaced the one before. */
  wasOnline: boolean;
  online: boolean;
  /** Whether any device of the user is online now. */
  userOnline: boolean;
  /** Undefined if the device is offline now. */
  session: SessionBegin | undefined;
  /** The session that ended; undefined if none did. */
  ended: EndedSession | undefined;
  time: Date | undefined;
  /** Names the change, and is where to resume once it is dealt with. */
  revision: string;
}

/**
 * What a watch tells.
 *
 * - `snapshot`: how a user stands: its devices that are online. It replaces all that was told of the user before.
 * - `synced`: everything up to now has been told: the snapshots (who is not named is offline), those of users that were added,
 *   or what a resume had missed.
 * - `change`: one change. Changes of a user come in their order.
 * - `progress`: nothing happened up to this revision.
 * - `lagging`: part of the store does not answer: changes of some users since then may be missing. All others are told as usual.
 * - `caughtUp`: what was missing has been told.
 * - `disconnected`: the stream broke, and another is being opened. Until `reconnected` what you know may be out of date.
 * - `reconnected`: what was missed follows, then `synced`.
 * - `lost`: changes are gone that you have not been told of: forget all that you know. With `initialState` (the default) snapshots
 *   follow by themselves; without it the watch goes on from now.
 */
export type WatchEvent =
  | { type: 'snapshot'; userId: string; devices: DeviceState[] }
  | { type: 'synced'; revision: string }
  | ({ type: 'change' } & Change)
  | { type: 'progress'; revision: string }
  | { type: 'lagging'; since: Date }
  | { type: 'caughtUp' }
  | { type: 'disconnected'; error: ImstateError }
  | { type: 'reconnected' }
  | { type: 'lost'; reason: string };
