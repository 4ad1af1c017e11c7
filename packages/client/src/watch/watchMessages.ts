import type { DeviceState, EndedSession, SessionDetails } from '../calls/messages.js';
import type { ImstateError } from '../shared/errors.js';

/** What to watch: exactly one of `users`, `servers` and `everything`; and where to start. */
export interface WatchOptions {
  /**
   * These users: at most 10,000, whose IDs take at most 900 KiB together. Change them with `add()` and
   * `remove()`.
   */
  users?: Iterable<string> | undefined;
  /** The sessions of these chat servers: 1 to 1,000, each `host:port`. */
  servers?: string[] | undefined;
  /** All users. */
  everything?: true | undefined;
  /** Start with snapshots; true by default. Otherwise start with the first change from now on. */
  initialState?: boolean | undefined;
  /**
   * Start with the first change after this revision of an earlier watch of the same scope, without snapshots.
   */
  resumeRevision?: string | undefined;
  /**
   * Start with the first change at or after this time, without snapshots. The iteration rejects with `OUT_OF_RANGE` if
   * changes since then may be gone, and with `UNIMPLEMENTED` on a daemon before version 0.2.0.
   */
  resumeTime?: Date | undefined;
  /**
   * For a slow reader: of several undelivered changes of a device, deliver only the newest. False by default.
   */
  coalesce?: boolean | undefined;
  /** Ends the watch, whose iteration then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** A current session. */
export interface SessionBegin extends SessionDetails {
  /** The ID of the session. */
  sessionId: string;
  /** Its chat server, `host:port`. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  /** When the session began. */
  loginTime: Date | undefined;
}

/** A change of one device. */
export interface Change {
  /** The user of the device. */
  userId: string;
  /** Unique for the user. */
  deviceId: string;
  /** Whether the device was online before. If it is online now too, it has moved to another session. */
  wasOnline: boolean;
  /** Whether the device is online now. */
  online: boolean;
  /** Whether any device of the user is online now. */
  userOnline: boolean;
  /** How many devices of the user are online now. Undefined from daemons before version 0.2.0. */
  devicesOnline: number | undefined;
  /**
   * Whether the device was online and still is, at another chat server. Always false from daemons before version
   * 0.2.0.
   */
  moved: boolean;
  /** The current session; undefined if the device is offline. */
  session: SessionBegin | undefined;
  /** The session that ended; undefined if none did. */
  ended: EndedSession | undefined;
  /** When it happened, by the clock of the store. */
  time: Date | undefined;
  /**
   * Names the change in this store for ever: the same in all watches and after a resume, to recognise a change that
   * arrives twice. Undefined from daemons before version 0.2.0.
   */
  changeId: string | undefined;
  /** A watch can resume here once the change is processed. */
  revision: string;
}

/**
 * An event of a watch.
 *
 * - `snapshot`: the state of a user, with the devices that are online. It replaces all earlier events of the
 *   user.
 * - `synced`: all current changes have been delivered: first the snapshots (users without one are offline),
 *   later the snapshots of added users, or the changes missed before a resume.
 * - `change`: one change. The changes of a user arrive in order.
 * - `progress`: nothing happened up to this revision.
 * - `lagging`: part of the store does not respond, so changes of some users since then may be missing.
 *   Changes of all other users arrive as usual.
 * - `caughtUp`: all changes missed since `lagging` have arrived.
 * - `disconnected`: the stream broke, and the client opens another one. Your state may be out of date until
 *   `reconnected`.
 * - `reconnected`: the missed changes follow, then `synced`.
 * - `lost`: changes are missing: discard your state. With `initialState` (the default) snapshots follow;
 *   without it, the watch continues from now.
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
