import type { SessionRef } from '../shared/session.js';
import type {
  EvictRequest,
  EvictResult,
  HistoryPage,
  ListHistoryRequest,
  ListSessionsRequest,
  PageRequest,
  ServersPage,
  SessionsPage,
  Stats,
} from './listings.js';
import type {
  CallOptions,
  GetUserRequest,
  HeartbeatResult,
  OfflineRequest,
  OfflineResult,
  OnlineRequest,
  OnlineResult,
  UserState,
} from './messages.js';

/** The calls of a presence server, whichever service it speaks. */
export interface PresenceApi {
  /** Reports a login. */
  online(request: OnlineRequest, options?: CallOptions): Promise<OnlineResult>;
  /** Reports a logout. */
  offline(request: OfflineRequest, options?: CallOptions): Promise<OfflineResult>;
  /** Renews the time to live of sessions. */
  heartbeat(sessions: SessionRef[], options?: CallOptions): Promise<HeartbeatResult>;
  /** Asks for a user, or for one device of it. */
  getUser(request: GetUserRequest, options?: CallOptions): Promise<UserState>;
  /** Asks for users, answered in their order. */
  getUsers(userIds: string[], options?: CallOptions): Promise<UserState[]>;
  /** Lists a user's sessions, those of the past included. */
  listHistory(request: ListHistoryRequest, options?: CallOptions): Promise<HistoryPage>;
  /** Lists the sessions that are online. */
  listSessions(request: ListSessionsRequest, options?: CallOptions): Promise<SessionsPage>;
  /** Lists the chat servers. */
  listServers(request: PageRequest, options?: CallOptions): Promise<ServersPage>;
  /** Counts what is online. */
  getStats(options?: CallOptions): Promise<Stats>;
  /** Ends sessions of a chat server, of a user, or one. */
  evict(request: EvictRequest, options?: CallOptions): Promise<EvictResult>;
  /** Resolves if this caller may evict, and rejects with PERMISSION_DENIED or UNAUTHENTICATED if not. Ends nothing. */
  checkEvict(options?: CallOptions): Promise<void>;
}
