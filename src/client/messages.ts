import type { EndReason } from '../store/store.js';

/** What one call may be given. */
export interface CallOptions {
  /** Overrides the client's timeout. Milliseconds. */
  timeoutMs?: number;
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A login to report. */
export interface OnlineRequest {
  userId: string;
  deviceId: string;
  /** The chat server that holds the connection, host:port. */
  serverAddr: string;
  /** Repeat a call with the same id and it is harmless; the daemon makes one if it is left out. */
  sessionId?: string;
  /** Such as "ios" or "web". */
  platform?: string;
}

/** A session that a login ended: its chat server should close the connection. */
export interface EndedSession {
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  reason: EndReason | undefined;
}

/** Answer to a login. */
export interface OnlineResult {
  /** Undefined if the server knows no sessions (it speaks pb.UserStatus only). */
  sessionId: string | undefined;
  /** Undefined if the server does not tell. */
  loginTime: Date | undefined;
  replaced: EndedSession[];
}

/** A logout to report. */
export interface OfflineRequest {
  userId: string;
  deviceId: string;
  /** Ends this session only if it is still the current one; left out, whatever is current. */
  sessionId?: string;
}

/** Answer to a logout. */
export interface OfflineResult {
  /** True if a session ended; undefined if the server does not tell (it speaks pb.UserStatus only). */
  applied: boolean | undefined;
}

/** Whom to ask for. */
export interface GetUserRequest {
  userId: string;
  /** Only this device. */
  deviceId?: string;
}

/** A device's current session, or its last one while that is retained. Undefined is what the server does not tell. */
export interface DeviceState {
  deviceId: string;
  online: boolean;
  sessionId: string | undefined;
  /** host:port. */
  serverAddr: string;
  /** Undefined if the login named none. */
  platform: string | undefined;
  loginTime: Date | undefined;
  lastSeen: Date | undefined;
  /** Undefined while online. */
  logoutTime: Date | undefined;
  /** Undefined while online. */
  reason: EndReason | undefined;
}

/** A user and the devices that are known of it, newest login first. */
export interface UserState {
  userId: string;
  online: boolean;
  devices: DeviceState[];
}

/** The calls of a presence server, whichever service it speaks. */
export interface PresenceApi {
  online(request: OnlineRequest, options?: CallOptions): Promise<OnlineResult>;
  offline(request: OfflineRequest, options?: CallOptions): Promise<OfflineResult>;
  getUser(request: GetUserRequest, options?: CallOptions): Promise<UserState>;
}
