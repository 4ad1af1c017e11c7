import type { SessionRef } from '../shared/session.js';
import type { DeviceState, EndReason, LeaseState, SessionDetails } from './messages.js';

/** Which page of a listing to return. */
export interface PageRequest {
  /** Maximum entries of the page, 1 to 1,000; by default the daemon chooses. */
  pageSize?: number | undefined;
  /** `nextPageToken` of the previous page; by default the first page. */
  pageToken?: string | undefined;
}

/** Which sessions of a user to list. */
export interface ListHistoryRequest extends PageRequest {
  /** 1 to 256 bytes. */
  userId: string;
  /** Only the sessions of this device. All devices by default. */
  deviceId?: string | undefined;
}

/** One current or past session of a user. */
export interface HistoryEntry extends SessionDetails {
  /** Unique for the user. */
  deviceId: string;
  /** The ID of the session. */
  sessionId: string;
  /** Its chat server, `host:port`. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  /** When the session began. */
  loginTime: Date | undefined;
  /** When the session ended; undefined while it is current. */
  endTime: Date | undefined;
  /** Why the session ended; undefined while it is current. */
  reason: EndReason | undefined;
  /** The reason text of an eviction; undefined if there is none. */
  reasonText: string | undefined;
}

/** A page of the history of a user. */
export interface HistoryPage {
  /** Current sessions first, newest login first; then ended sessions, newest end first. */
  entries: HistoryEntry[];
  /** The token of the next page; undefined on the last page. */
  nextPageToken: string | undefined;
}

/** Which current sessions to list. */
export interface ListSessionsRequest extends PageRequest {
  /** Only the sessions of this chat server, `host:port`. All by default. */
  serverAddr?: string | undefined;
  /** Only the sessions of users whose ID begins with this, 1 to 256 bytes. Any user by default. */
  userIdPrefix?: string | undefined;
  /** Only the sessions of devices with this ID. Any device by default. */
  deviceId?: string | undefined;
  /** Only the sessions with this ID. Any session by default. */
  sessionId?: string | undefined;
}

/** A current session and its user. */
export interface UserSession {
  /** The user of the session. */
  userId: string;
  /** The device, with its session. */
  device: DeviceState;
}

/** A page of current sessions. */
export interface SessionsPage {
  /** In no particular order. A page may have fewer than requested, or none, without being the last. */
  sessions: UserSession[];
  /** The token of the next page; undefined on the last page. */
  nextPageToken: string | undefined;
  /**
   * True if part of the store did not respond: its sessions are missing, and the next page continues after
   * them.
   */
  partial: boolean;
  /** How many sessions the call compared with the filters; without filters, how many it lists. */
  scanned: number;
}

/** A chat server that has sessions or a lease. */
export interface ChatServer {
  /** Its address, `host:port`. */
  serverAddr: string;
  /** How many of its sessions are current. Sessions of a lost lease count until they have been ended. */
  sessions: number;
  /** Undefined if it has none. */
  lease: LeaseState | undefined;
}

/** A page of chat servers. */
export interface ServersPage {
  /** By address. */
  servers: ChatServer[];
  /** The token of the next page; undefined on the last page. */
  nextPageToken: string | undefined;
  /** True if part of the store did not respond: counts are too low, and chat servers may be missing. */
  partial: boolean;
}

/** Counts of what is online. */
export interface Stats {
  /** Users with at least one device online. */
  usersOnline: number;
  /** Devices online. */
  devicesOnline: number;
  /**
   * Devices online by platform, the 64 largest. The empty name counts logins without a platform, `other` all
   * further platforms.
   */
  devicesByPlatform: Record<string, number>;
  /** Devices online by chat server, the 1,000 largest. */
  devicesByServer: Record<string, number>;
  /** Devices online at all further chat servers. */
  devicesOnOtherServers: number;
  /** True if part of the store did not respond: its users and devices are not counted. */
  partial: boolean;
}

/**
 * Which sessions to end: all of a chat server, all of a user, the current one of a device, or one if it is
 * still current.
 */
export type EvictTarget =
  | { serverAddr: string }
  | { userId: string }
  | { device: Pick<SessionRef, 'userId' | 'deviceId'> }
  | { session: SessionRef };

/** Which sessions to end, and why. */
export type EvictRequest = EvictTarget & {
  /** Why, for the chat servers, the history and the audit; at most 256 bytes. None by default. */
  reasonText?: string | undefined;
};

/** The response to an eviction. */
export interface EvictResult {
  /** How many sessions this call ended. */
  evicted: number;
  /** True if there are more: one call ends a limited number. Call again. */
  more: boolean;
  /**
   * Whether the `reasonText` of the request is stored with the sessions: false from daemons before version
   * 0.2.0, which ignore it. Undefined if the request has none.
   */
  reasonStored: boolean | undefined;
}

/** How a chat server is to drain. */
export interface DrainServerRequest {
  /** The chat server, `host:port`. It must keep a lease. */
  serverAddr: string;
  /** After how long all its sessions are to be closed. Milliseconds, 0 to 1 h; 1 minute by default. */
  overMs?: number | undefined;
  /**
   * How long a device whose session ends there stays online at least, unless it logs in elsewhere. Milliseconds, 0 to
   * 1 h; 30 s by default.
   */
  graceMs?: number | undefined;
  /** Cancel the drain. */
  cancel?: boolean | undefined;
}

/** The response to a drain. */
export interface DrainServerResult {
  /** How many sessions are online there. */
  sessions: number;
  /** When all of them are to be closed; undefined if the drain was cancelled. */
  deadline: Date | undefined;
  /** Whether part of the store did not respond: there nothing was changed. Call again. */
  partial: boolean;
}
