import type { SessionRef } from '../shared/session.js';
import type { DeviceState, EndReason, LeaseState } from './messages.js';

/** Which page of a listing. */
export interface PageRequest {
  /** At most so many, 1 to 1,000; the daemon chooses if it is left out. */
  pageSize?: number | undefined;
  /** `nextPageToken` of the page before; left out for the first. */
  pageToken?: string | undefined;
}

/** Which sessions of the past to list. */
export interface ListHistoryRequest extends PageRequest {
  userId: string;
  /** Only this device. */
  deviceId?: string | undefined;
}

/** One session of a user: its login, and its end if it has ended. */
export interface HistoryEntry {
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  loginTime: Date | undefined;
  /** Undefined while it lasts. */
  endTime: Date | undefined;
  /** Undefined while it lasts. */
  reason: EndReason | undefined;
}

/** A page of a user's sessions: those that last, newest login first, then those that ended, newest end first. */
export interface HistoryPage {
  entries: HistoryEntry[];
  /** Undefined on the last page. */
  nextPageToken: string | undefined;
}

/** Which sessions that are online to list. */
export interface ListSessionsRequest extends PageRequest {
  /** Only those of this chat server. */
  serverAddr?: string | undefined;
}

/** A session that is online, with its user. */
export interface UserSession {
  userId: string;
  device: DeviceState;
}

/** A page of sessions in no particular order; it may hold fewer than were asked for and not be the last. */
export interface SessionsPage {
  sessions: UserSession[];
  /** Undefined on the last page. */
  nextPageToken: string | undefined;
  /** True if part of the store did not answer: its sessions are missing from this page, and the next one goes on behind them. */
  partial: boolean;
}

/** A chat server that has sessions or a lease. */
export interface ChatServer {
  /** host:port. */
  serverAddr: string;
  /** Its sessions that are online. Those of a lease that ran out count until they have been ended. */
  sessions: number;
  /** Undefined if it keeps none. */
  lease: LeaseState | undefined;
}

/** A page of chat servers, by address. */
export interface ServersPage {
  servers: ChatServer[];
  /** Undefined on the last page. */
  nextPageToken: string | undefined;
  /** True if part of the store did not answer: what it holds is not counted, and chat servers that it alone knows are missing. */
  partial: boolean;
}

/** What is online. */
export interface Stats {
  usersOnline: number;
  devicesOnline: number;
  /** By platform, the 64 largest; "" counts those whose login named none, "other" those of all further platforms. */
  devicesByPlatform: Record<string, number>;
  /** By chat server: the 1,000 that have most. */
  devicesByServer: Record<string, number>;
  /** Devices at chat servers that are not in `devicesByServer`; 0 from a daemon that names all of them. */
  devicesOnOtherServers: number;
  /** True if part of the store did not answer: its users and devices are not counted. */
  partial: boolean;
}

/** Whose sessions to end: all of a chat server, all of a user, or one if it is still current. */
export type EvictRequest = { serverAddr: string } | { userId: string } | { session: SessionRef };

/** Answer to an eviction. */
export interface EvictResult {
  /** How many sessions this call ended. */
  evicted: number;
  /** True if the chat server has more, since one call ends a bounded number: call again. */
  more: boolean;
}
