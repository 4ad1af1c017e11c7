import type { PolicyLimit } from '../shared/policy.js';
import type {
  LoginPolicy as PolicyWord,
  SessionRef,
  EndReason as StoredEndReason,
} from '../shared/session.js';

/**
 * Why a session ended.
 *
 * - `LOGOUT`: its chat server logged it out.
 * - `REPLACED`: a newer login replaced it.
 * - `EXPIRED`: it was not renewed within its time to live.
 * - `SERVER_LOST`: the lease of its chat server ran out.
 * - `EVICTED`: an operator ended it.
 * - `REJECTED`: it never began, because a session policy rejected its login. Only in responses to logins.
 * - `UNKNOWN`: a reason that only a later version of imstate knows.
 */
export type EndReason = StoredEndReason | 'REJECTED' | 'UNKNOWN';

/**
 * What a login does to other sessions of the user: it ends none (`KEEP_ALL`), those on the same platform
 * (`REPLACE_SAME_PLATFORM`), or all (`REPLACE_ALL`), in either spelling; or the name of a session policy, which is
 * stored or a preset, decides.
 */
export type LoginPolicy =
  | PolicyWord
  | 'keep-all'
  | 'replace-same-platform'
  | 'replace-all'
  // Any other text, without hiding the words above from editors.
  | (string & Record<never, never>);

/** By what people recognise a session. What the login did not name is undefined. */
export interface SessionDetails {
  /** The IP address of the client, in its canonical form. */
  clientIp: string | undefined;
  /** A name for the device, such as `Anna's phone`. */
  label: string | undefined;
  /** The version of the app. */
  appVersion: string | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /**
   * How long the call may take, instead of {@link ClientOptions.timeoutMs}. Milliseconds, 1 to 86,400,000.
   */
  timeoutMs?: number | undefined;
  /** Cancels the call, which then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** A login. */
export interface OnlineRequest {
  /** 1 to 256 bytes. */
  userId: string;
  /** 1 to 256 bytes; unique for the user. */
  deviceId: string;
  /** The chat server that holds the connection: `host:port`, at most 255 bytes. */
  serverAddr: string;
  /**
   * 1 to 256 bytes; by default the daemon creates one. With your own ID the login is safe to repeat, because
   * a repeated login is the same session.
   */
  sessionId?: string | undefined;
  /** Such as `ios` or `web`; at most 32 bytes. None by default. */
  platform?: string | undefined;
  /**
   * How long the session lasts unless it is renewed. Milliseconds, 1 s to 30 days; by default it lasts until
   * something else ends it.
   */
  ttlMs?: number | undefined;
  /** Whatever readers should know about the device: at most 32 entries and 1 KiB in all. None by default. */
  metadata?: Record<string, string> | undefined;
  /**
   * Which policy decides about the other sessions of the user; by default the default policy of the cluster,
   * which is `keep-all` at first. Where it is another one, `KEEP_ALL` needs the role `admin`.
   */
  policy?: LoginPolicy | undefined;
  /**
   * The incarnation of the chat server, to whose lease the session then belongs. By default it belongs to the
   * current lease of the chat server, if there is one.
   */
  serverIncarnation?: number | undefined;
  /** The login time of a session that is resent after a loss, from the response to its login. */
  loginTime?: Date | undefined;
  /** The IP address of the client, IPv4 or IPv6. None by default. */
  clientIp?: string | undefined;
  /** By what the user recognises the device, such as `Anna's phone`; at most 64 characters. None by default. */
  label?: string | undefined;
  /** The version of the app; at most 32 bytes. None by default. */
  appVersion?: string | undefined;
}

/** A login that ended another session of the user. */
export interface ReplacingLogin extends SessionDetails {
  /** Unique for the user. */
  deviceId: string;
  /** The ID of its session. */
  sessionId: string;
  /** Its chat server, `host:port`. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  /** When it began. */
  loginTime: Date | undefined;
}

/** A session that has ended. Its chat server should close the connection. */
export interface EndedSession extends SessionRef {
  /** Its chat server, `host:port`. */
  serverAddr: string;
  /** Why it ended; undefined if that is not known, or no longer. */
  reason: EndReason | undefined;
  /** The reason text of an eviction; undefined if there is none. */
  reasonText: string | undefined;
  /**
   * The login that replaced it. Undefined if none did, and in responses to logins and heartbeats: only
   * watches name it.
   */
  by: ReplacingLogin | undefined;
}

/** The response to a login. */
export interface OnlineResult {
  /** The ID of the session; undefined from a legacy server, which has no sessions. */
  sessionId: string | undefined;
  /** When the session began, by the clock of the store; undefined from a legacy server. */
  loginTime: Date | undefined;
  /** The sessions that the login ended, by its policy or because they were of the same device. */
  replaced: EndedSession[];
  /** How many more sessions the login ended, for which the response had no room. */
  replacedOmitted: number;
  /**
   * Set if the session had already ended, and why, or if a policy rejected the login: nothing was changed.
   * Usually undefined.
   */
  endReason: EndReason | undefined;
  /** Whether a policy rejected the login: nothing was changed. Close the connection. */
  rejected: boolean;
  /** The sessions that stand in the way of a rejected login, oldest first, without metadata: at most 32. */
  conflicts: DeviceState[];
  /** How many more sessions stand in the way. */
  conflictsOmitted: number;
  /** The limit that a rejected login would exceed. */
  limit: PolicyLimit | undefined;
  /**
   * The name of the policy that decided. Undefined if it was `keep-all`, and from daemons before version 0.2.0,
   * which ignore all policies but the three words.
   */
  policy: string | undefined;
  /**
   * Whether the `clientIp`, `label` and `appVersion` of the request are stored: false if nothing was changed,
   * and from daemons before version 0.2.0, which ignore them. Undefined if the request has none.
   */
  detailsStored: boolean | undefined;
}

/** A logout. */
export interface OfflineRequest {
  /** 1 to 256 bytes. */
  userId: string;
  /** 1 to 256 bytes. */
  deviceId: string;
  /** Ends this session only if it is still current; by default the current session of the device ends. */
  sessionId?: string | undefined;
  /**
   * The grace: how long the device stays online. If it logs in again in that time, others see no change.
   * Milliseconds, at most 1 h; 0 by default.
   */
  graceMs?: number | undefined;
}

/** The response to a logout. */
export interface OfflineResult {
  /** Whether a session ended, or will end after its grace; undefined from a legacy server. */
  applied: boolean | undefined;
}

/** The response to a heartbeat. */
export interface HeartbeatResult {
  /**
   * The sessions that are no longer current. If the reason is `LOGOUT`, `REPLACED` or `EVICTED`, close the
   * connection. If it is `EXPIRED`, `SERVER_LOST` or undefined and the connection is still open, log the
   * session in again with `online()`.
   */
  ended: EndedSession[];
}

/** A query of one user. */
export interface GetUserRequest {
  /** 1 to 256 bytes. */
  userId: string;
  /** Return only this device. All devices by default. */
  deviceId?: string | undefined;
  /** Return {@link DeviceState.explanation} too. False by default. */
  explain?: boolean | undefined;
  /** Return {@link UserState.lastSeen} too; not together with `deviceId`. False by default. */
  includeLastSeen?: boolean | undefined;
}

/** Options of a query of several users. */
export interface GetUsersOptions extends CallOptions {
  /** Return {@link UserState.lastSeen} too. False by default. */
  includeLastSeen?: boolean | undefined;
}

/** The lease of a chat server. */
export interface LeaseState {
  /**
   * - `ALIVE`: the chat server renews it.
   * - `RESYNC`: the same, and the chat server is asked to resend its sessions.
   * - `DRAINING`: the chat server is asked to close its sessions until `drainDeadline`.
   * - `LOST`: it ran out, and its sessions are being ended.
   * - `UNKNOWN`: a state that only a later version of imstate knows.
   */
  state: 'ALIVE' | 'RESYNC' | 'DRAINING' | 'LOST' | 'UNKNOWN';
  /** The run of the chat server that holds it. */
  incarnation: number;
  /** How long it lasts after each renewal. Milliseconds. */
  ttlMs: number;
  /** When it runs out unless it is renewed, or when it ran out. */
  expireTime: Date | undefined;
  /** When all sessions are to be closed; undefined unless the chat server drains. */
  drainDeadline: Date | undefined;
}

/** Why a device is online or offline. What does not apply is undefined. */
export interface Explanation {
  /** How long the session lasts after its last renewal. Milliseconds. */
  ttlMs: number | undefined;
  /** When the session expires unless it is renewed. */
  expireTime: Date | undefined;
  /** When a logout with grace takes effect unless the device logs in before. */
  graceEndTime: Date | undefined;
  /** When the record of an offline device will be removed. */
  forgetTime: Date | undefined;
  /** The lease to which the session belongs. */
  lease: LeaseState | undefined;
}

/**
 * The current session of a device, or its last one until the retention is over. What a legacy server does not
 * know is undefined.
 */
export interface DeviceState extends SessionDetails {
  /** Unique for the user. */
  deviceId: string;
  /** Whether the session is current. */
  online: boolean;
  /** Undefined from a legacy server. */
  sessionId: string | undefined;
  /** The chat server that holds, or held, the connection: `host:port`. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  /** When the session began. */
  loginTime: Date | undefined;
  /** When the session was last renewed: by its login, a heartbeat, or being resent. */
  lastSeen: Date | undefined;
  /** When the session ended; undefined while it is online. */
  logoutTime: Date | undefined;
  /** Why the session ended; undefined while it is online. */
  reason: EndReason | undefined;
  /** The reason text of the eviction that ended the session; undefined if there is none. */
  reasonText: string | undefined;
  /** The metadata of the login. */
  metadata: Record<string, string>;
  /** Undefined unless {@link GetUserRequest.explain} was set. */
  explanation: Explanation | undefined;
}

/** A user and its devices. */
export interface UserState {
  /** The user of the query. */
  userId: string;
  /** Whether any device is online. */
  online: boolean;
  /** The known devices, newest login first; empty if none is known, or no longer. */
  devices: DeviceState[];
  /**
   * True if the metadata of the devices was left out, because the response would be too large: ask for one
   * device at a time.
   */
  metadataOmitted?: boolean | undefined;
  /** How many devices were left out for the same reason; undefined if none. */
  devicesOmitted?: number | undefined;
  /**
   * When the user was last online, if {@link GetUserRequest.includeLastSeen} was set: the time of the
   * response while a device is online, then the end of the last session, for as long as the history keeps it.
   * Undefined if no session is known, and from daemons before version 0.2.0.
   */
  lastSeen?: Date | undefined;
}
