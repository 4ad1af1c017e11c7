export { type ErrorCode, ImstateError } from '../errors.js';
export type { SessionRef } from '../store/store.js';
export type { TlsFiles } from '../tls/names.js';
export type { TokenOptions } from './bearerToken.js';
export type { ClientOptions } from './channel.js';
export type { Client } from './client.js';
export { type ConnectOptions, connect } from './connect.js';
export type {
  ChatServer,
  EvictRequest,
  EvictResult,
  HistoryEntry,
  HistoryPage,
  ListHistoryRequest,
  ListSessionsRequest,
  PageRequest,
  ServersPage,
  SessionsPage,
  Stats,
  UserSession,
} from './listings.js';
export type {
  CallOptions,
  DeviceState,
  EndedSession,
  EndReason,
  Explanation,
  GetUserRequest,
  HeartbeatResult,
  LeaseState,
  LoginPolicy,
  OfflineRequest,
  OfflineResult,
  OnlineRequest,
  OnlineResult,
  UserState,
} from './messages.js';
export type { ServerLogin, ServerLoginResult, ServerOptions } from './serverMessages.js';
export type { ServerSessions } from './serverSessions.js';
export type { TlsOptions } from './tls.js';
export type { Watch } from './watch.js';
export type { Change, SessionBegin, WatchEvent, WatchOptions } from './watchMessages.js';
