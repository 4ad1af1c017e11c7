/**
 * The client of imstate, the user-presence service. {@link connect} creates a {@link Client}: a chat server
 * holds its sessions with {@link Client.server}, other programs query with {@link Client.getUser} and follow
 * changes with {@link Client.watch}.
 *
 * @packageDocumentation
 */
export type { AuditPage, AuditRecord, AuditTarget, ListAuditRequest } from './calls/audit.js';
export type {
  ChatServer,
  DrainServerRequest,
  DrainServerResult,
  EvictRequest,
  EvictResult,
  EvictTarget,
  HistoryEntry,
  HistoryPage,
  ListHistoryRequest,
  ListSessionsRequest,
  PageRequest,
  ServersPage,
  SessionsPage,
  Stats,
  UserSession,
} from './calls/listings.js';
export type {
  CallOptions,
  DeviceState,
  EndedSession,
  EndReason,
  Explanation,
  GetUserRequest,
  GetUsersOptions,
  HeartbeatResult,
  LeaseState,
  LoginPolicy,
  OfflineRequest,
  OfflineResult,
  OnlineRequest,
  OnlineResult,
  ReplacingLogin,
  SessionDetails,
  UserState,
} from './calls/messages.js';
export type {
  LoginValidation,
  PolicyList,
  PutPolicyResult,
  SetDefaultPolicyResult,
  StoredPolicy,
  ValidateLoginRequest,
} from './calls/policies.js';
export type {
  ClaimRelayRequest,
  ClaimRelayResult,
  CommitRelayRequest,
  Relay,
} from './calls/relays.js';
export type { RoutedSession, RouteResult, ServerRoute } from './calls/routes.js';
export type { FeatureLevel, FinishUpgradeRequest, FinishUpgradeResult } from './calls/upgrade.js';
export type { EraseResult, UserExport } from './calls/userData.js';
export type { Client } from './client.js';
export { type ConnectOptions, connect } from './connect.js';
export type { TokenOptions } from './connection/bearerToken.js';
export type { ClientOptions } from './connection/clientOptions.js';
export type { TlsOptions } from './connection/tlsCredentials.js';
export type { RegistryLog } from './registry/discovery.js';
export type {
  DrainingSession,
  ServerLogin,
  ServerLoginResult,
  ServerOptions,
} from './server/serverMessages.js';
export type { ServerSessions } from './server/serverSessions.js';
export type { AuditOutcome, AuditVia, IdentityKind } from './shared/audit.js';
export { type ErrorCode, ImstateError } from './shared/errors.js';
export type {
  Policy,
  PolicyConflict,
  PolicyLimit,
  PolicyRules,
  PolicyScope,
  SessionPolicy,
} from './shared/policy.js';
export type { RelayState } from './shared/relay.js';
export type { SessionRef } from './shared/session.js';
export type { TlsFiles } from './tls/names.js';
export type { Watch } from './watch/watch.js';
export type { Change, SessionBegin, WatchEvent, WatchOptions } from './watch/watchMessages.js';
