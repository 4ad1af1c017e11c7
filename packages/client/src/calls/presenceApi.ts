import type { Policy } from '../shared/policy.js';
import type { SessionRef } from '../shared/session.js';
import type { AuditPage, ListAuditRequest } from './audit.js';
import type {
  DrainServerRequest,
  DrainServerResult,
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
  GetUsersOptions,
  HeartbeatResult,
  OfflineRequest,
  OfflineResult,
  OnlineRequest,
  OnlineResult,
  UserState,
} from './messages.js';
import type {
  LoginValidation,
  PolicyList,
  PutPolicyResult,
  SetDefaultPolicyResult,
  StoredPolicy,
  ValidateLoginRequest,
} from './policies.js';
import type { ClaimRelayRequest, ClaimRelayResult, CommitRelayRequest, Relay } from './relays.js';
import type { RouteResult } from './routes.js';
import type { FeatureLevel, FinishUpgradeRequest, FinishUpgradeResult } from './upgrade.js';
import type { EraseResult, UserExport } from './userData.js';

/** The calls of a server, whichever service it serves. See Client for each. */
export interface PresenceApi {
  /** Logs a device in. */
  online(request: OnlineRequest, options?: CallOptions): Promise<OnlineResult>;
  /** Logs a device out. */
  offline(request: OfflineRequest, options?: CallOptions): Promise<OfflineResult>;
  /** Renews the time to live of sessions. */
  heartbeat(sessions: SessionRef[], options?: CallOptions): Promise<HeartbeatResult>;
  /** Reads a user, or one of its devices. */
  getUser(request: GetUserRequest, options?: CallOptions): Promise<UserState>;
  /** Reads users, in the order of their IDs. */
  getUsers(userIds: string[], options?: GetUsersOptions): Promise<UserState[]>;
  /** Finds the sessions of users by chat server. */
  route(userIds: string[], options?: CallOptions): Promise<RouteResult>;
  /** Lists the current and past sessions of a user. */
  listHistory(request: ListHistoryRequest, options?: CallOptions): Promise<HistoryPage>;
  /** Lists current sessions. */
  listSessions(request: ListSessionsRequest, options?: CallOptions): Promise<SessionsPage>;
  /** Lists chat servers. */
  listServers(request: PageRequest, options?: CallOptions): Promise<ServersPage>;
  /** Counts what is online. */
  getStats(options?: CallOptions): Promise<Stats>;
  /** Lists administrative acts. */
  listAudit(request: ListAuditRequest, options?: CallOptions): Promise<AuditPage>;
  /** Ends the sessions of a chat server, of a user or of a device, or one session. */
  evict(request: EvictRequest, options?: CallOptions): Promise<EvictResult>;
  /** Asks a chat server to close its connections, or cancels that. */
  drainServer(request: DrainServerRequest, options?: CallOptions): Promise<DrainServerResult>;
  /** Rejects if the caller may not evict. Ends nothing. */
  checkEvict(options?: CallOptions): Promise<void>;
  /** Reads everything that is kept of a user. */
  exportUser(userId: string, options?: CallOptions): Promise<UserExport>;
  /** Erases everything that is kept of a user. */
  eraseUser(userId: string, options?: CallOptions): Promise<EraseResult>;
  /** Claims a relay, or renews the claim. */
  claimRelay(request: ClaimRelayRequest, options?: CallOptions): Promise<ClaimRelayResult>;
  /** Commits what was delivered for a relay. */
  commitRelay(request: CommitRelayRequest, options?: CallOptions): Promise<Relay>;
  /** Lists the relays. */
  listRelays(options?: CallOptions): Promise<Relay[]>;
  /** Pauses a relay. */
  pauseRelay(name: string, options?: CallOptions): Promise<Relay>;
  /** Resumes a paused relay. */
  resumeRelay(name: string, options?: CallOptions): Promise<Relay>;
  /** Makes a relay deliver again what happened since a time. */
  replayRelay(name: string, from: Date, options?: CallOptions): Promise<Relay>;
  /** Removes a relay. */
  deleteRelay(name: string, options?: CallOptions): Promise<void>;
  /** Stores a session policy. */
  putPolicy(policy: Policy, options?: CallOptions): Promise<PutPolicyResult>;
  /** Lists the stored session policies. */
  listPolicies(options?: CallOptions): Promise<PolicyList>;
  /** Reads a session policy. */
  getPolicy(name: string, options?: CallOptions): Promise<StoredPolicy>;
  /** Removes a session policy. */
  deletePolicy(name: string, options?: CallOptions): Promise<void>;
  /** Chooses the policy of logins that name none. */
  setDefaultPolicy(name: string, options?: CallOptions): Promise<SetDefaultPolicyResult>;
  /** Tries a login without logging in. */
  validateLogin(request: ValidateLoginRequest, options?: CallOptions): Promise<LoginValidation>;
  /** Reads the feature level of the store. */
  getFeatureLevel(options?: CallOptions): Promise<FeatureLevel>;
  /** Raises the feature level of the store. */
  finishUpgrade(request: FinishUpgradeRequest, options?: CallOptions): Promise<FinishUpgradeResult>;
}
