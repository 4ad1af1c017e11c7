import type { BatchGetUsersRequest__Output } from 'imstate-client/internal/generated/imstate/v1/BatchGetUsersRequest';
import type { HeartbeatRequest__Output } from 'imstate-client/internal/generated/imstate/v1/HeartbeatRequest';
import type { RouteRequest__Output } from 'imstate-client/internal/generated/imstate/v1/RouteRequest';

/** The names of operations in metrics and in the log. Those of Apply are the names of its fields. */
export type OperationName =
  | 'online'
  | 'offline'
  | 'heartbeat'
  | 'get_user'
  | 'route'
  | 'apply'
  | 'keep_server_alive'
  | 'watch'
  | 'watch_stats'
  | 'list_history'
  | 'list_sessions'
  | 'list_servers'
  | 'list_endpoints'
  | 'get_stats'
  | 'evict'
  | 'drain_server'
  | 'get_feature_level'
  | 'finish_upgrade'
  | 'list_audit'
  | 'export_user'
  | 'erase_user'
  | 'put_policy'
  | 'list_policies'
  | 'get_policy'
  | 'delete_policy'
  | 'set_default_policy'
  | 'explain_policy'
  | 'claim_relay'
  | 'commit_relay'
  | 'list_relays'
  | 'pause_relay'
  | 'replay_relay'
  | 'delete_relay'
  | 'who_am_i'
  | 'unknown';

/** The operation of each method of both services. A test compares it with the services and the HTTP API. */
const OPERATIONS: Readonly<Record<string, OperationName>> = {
  '/pb.UserStatus/QueryUserStatus': 'get_user',
  '/pb.UserStatus/Online': 'online',
  '/pb.UserStatus/Offline': 'offline',

  '/imstate.v1.PresenceService/Online': 'online',
  '/imstate.v1.PresenceService/Offline': 'offline',
  '/imstate.v1.PresenceService/Heartbeat': 'heartbeat',
  '/imstate.v1.PresenceService/Apply': 'apply',
  '/imstate.v1.PresenceService/KeepServerAlive': 'keep_server_alive',
  '/imstate.v1.PresenceService/GetUser': 'get_user',
  '/imstate.v1.PresenceService/BatchGetUsers': 'get_user',
  '/imstate.v1.PresenceService/Route': 'route',
  '/imstate.v1.PresenceService/ListHistory': 'list_history',
  '/imstate.v1.PresenceService/ListSessions': 'list_sessions',
  '/imstate.v1.PresenceService/ListServers': 'list_servers',
  '/imstate.v1.PresenceService/GetStats': 'get_stats',
  '/imstate.v1.PresenceService/Watch': 'watch',
  '/imstate.v1.PresenceService/Evict': 'evict',
  '/imstate.v1.PresenceService/DrainServer': 'drain_server',
  '/imstate.v1.PresenceService/GetFeatureLevel': 'get_feature_level',
  '/imstate.v1.PresenceService/FinishUpgrade': 'finish_upgrade',
  '/imstate.v1.PresenceService/ListAudit': 'list_audit',
  '/imstate.v1.PresenceService/ExportUser': 'export_user',
  '/imstate.v1.PresenceService/EraseUser': 'erase_user',
  '/imstate.v1.PresenceService/PutPolicy': 'put_policy',
  '/imstate.v1.PresenceService/ListPolicies': 'list_policies',
  '/imstate.v1.PresenceService/GetPolicy': 'get_policy',
  '/imstate.v1.PresenceService/DeletePolicy': 'delete_policy',
  '/imstate.v1.PresenceService/SetDefaultPolicy': 'set_default_policy',
  '/imstate.v1.PresenceService/ClaimRelay': 'claim_relay',
  '/imstate.v1.PresenceService/CommitRelay': 'commit_relay',
  '/imstate.v1.PresenceService/ListRelays': 'list_relays',
  '/imstate.v1.PresenceService/PauseRelay': 'pause_relay',
  '/imstate.v1.PresenceService/ReplayRelay': 'replay_relay',
  '/imstate.v1.PresenceService/DeleteRelay': 'delete_relay',

  '/imstate.http/online': 'online',
  '/imstate.http/offline': 'offline',
  '/imstate.http/heartbeat': 'heartbeat',
  '/imstate.http/servers-lease': 'keep_server_alive',
  '/imstate.http/query': 'get_user',
  '/imstate.http/route': 'route',
  '/imstate.http/history': 'list_history',
  '/imstate.http/sessions': 'list_sessions',
  '/imstate.http/servers': 'list_servers',
  '/imstate.http/endpoints': 'list_endpoints',
  '/imstate.http/stats': 'get_stats',
  '/imstate.http/stats-watch': 'watch_stats',
  '/imstate.http/watch': 'watch',
  '/imstate.http/evict': 'evict',
  '/imstate.http/drain': 'drain_server',
  '/imstate.http/audit': 'list_audit',
  '/imstate.http/policies': 'list_policies',
  '/imstate.http/policies-explain': 'explain_policy',
  '/imstate.http/relays': 'list_relays',
  '/imstate.http/relays-pause': 'pause_relay',
  '/imstate.http/relays-resume': 'pause_relay',
  '/imstate.http/whoami': 'who_am_i',
};

/** How many operations a request carries, for methods where that is not always one. */
const OPERATIONS_IN = new Map<string, (request: never) => number>([
  ['/imstate.v1.PresenceService/Heartbeat', ({ sessions }: HeartbeatRequest__Output) => sessions.length],
  [
    '/imstate.v1.PresenceService/BatchGetUsers',
    ({ userIds }: BatchGetUsersRequest__Output) => userIds.length,
  ],
  ['/imstate.v1.PresenceService/Route', ({ userIds }: RouteRequest__Output) => userIds.length],
]);

/** HTTP calls about many users, which say themselves how many operations they carry. */
const HTTP_BATCHES = new Set(['/imstate.http/heartbeat', '/imstate.http/route']);

/** Whether a call of the method may carry several operations. */
export function carriesMany(path: string): boolean {
  return OPERATIONS_IN.has(path) || HTTP_BATCHES.has(path);
}

/** The operation of a method; undefined for services that are not about presence, such as health. */
export function operationOf(path: string): OperationName | undefined {
  return OPERATIONS[path];
}

/** See {@link OPERATIONS_IN}; undefined if a request is always one operation. */
export function operationsIn(path: string): ((request: unknown) => number) | undefined {
  return OPERATIONS_IN.get(path) as ((request: unknown) => number) | undefined;
}
