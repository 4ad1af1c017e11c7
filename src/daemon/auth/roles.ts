import type { DrainServerRequest__Output } from 'imstate-client/internal/generated/imstate/v1/DrainServerRequest';
import type { KeepServerAliveRequest__Output } from 'imstate-client/internal/generated/imstate/v1/KeepServerAliveRequest';
import type { OnlineRequest__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineRequest';
import type { Operation__Output } from 'imstate-client/internal/generated/imstate/v1/Operation';
import type { OnlineRequest__Output as PbOnlineRequest__Output } from 'imstate-client/internal/generated/pb/OnlineRequest';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { AuditIdentity } from '../../presence/audit.js';

/** How many chat servers a denial names. */
const MAX_NAMED_SERVERS = 8;

/** The roles: read; also change; also administer. */
export const ROLES = ['reader', 'writer', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** What a call requires. */
interface Rule {
  /** Undefined if the call is open to everybody. */
  role: Role | undefined;
  /** The chat server that a message names as its own, if any. The caller may be bound to another one. */
  serverOf?(message: never): { field: string; addr: string } | undefined;
  /** True if its handler asks for the role of the caller. */
  needsCaller?: boolean;
}

const open: Rule = { role: undefined };
const reader: Rule = { role: 'reader' };
const writer: Rule = { role: 'writer' };
/** A writer that is not bound to chat servers: its handler checks that. */
const relay: Rule = { role: 'writer', needsCaller: true };
const admin: Rule = { role: 'admin', needsCaller: true };
const login = {
  role: 'writer',
  // A dry run is for no chat server.
  serverOf: ({ serverAddr, validateOnly }: OnlineRequest__Output) =>
    validateOnly ? undefined : { field: 'server_addr', addr: serverAddr },
  // Only admins bypass a stricter default policy.
  needsCaller: true,
} satisfies Rule;

/** What each method of each service requires. An unlisted one requires an admin. */
export const METHOD_RULES: Readonly<Record<string, Rule>> = {
  '/pb.UserStatus/QueryUserStatus': reader,
  '/pb.UserStatus/Online': {
    role: 'writer',
    serverOf: ({ ServerAddr }: PbOnlineRequest__Output) => ({ field: 'ServerAddr', addr: ServerAddr }),
  },
  '/pb.UserStatus/Offline': writer,

  '/imstate.v1.PresenceService/Online': login,
  '/imstate.v1.PresenceService/Offline': writer,
  '/imstate.v1.PresenceService/Heartbeat': writer,
  // OPERATION_RULES apply to each of its operations as well.
  '/imstate.v1.PresenceService/Apply': reader,
  '/imstate.v1.PresenceService/KeepServerAlive': {
    role: 'writer',
    serverOf: ({ serverAddr }: KeepServerAliveRequest__Output) => ({
      field: 'server_addr',
      addr: serverAddr,
    }),
  },
  '/imstate.v1.PresenceService/DrainServer': {
    role: 'writer',
    serverOf: ({ serverAddr }: DrainServerRequest__Output) => ({ field: 'server_addr', addr: serverAddr }),
  },
  '/imstate.v1.PresenceService/GetUser': reader,
  '/imstate.v1.PresenceService/BatchGetUsers': reader,
  '/imstate.v1.PresenceService/Route': reader,
  '/imstate.v1.PresenceService/ListHistory': reader,
  '/imstate.v1.PresenceService/ListSessions': reader,
  '/imstate.v1.PresenceService/ListServers': reader,
  '/imstate.v1.PresenceService/GetStats': reader,
  '/imstate.v1.PresenceService/GetFeatureLevel': reader,
  '/imstate.v1.PresenceService/ListPolicies': reader,
  '/imstate.v1.PresenceService/GetPolicy': reader,
  '/imstate.v1.PresenceService/Watch': reader,
  '/imstate.v1.PresenceService/ListRelays': reader,
  '/imstate.v1.PresenceService/ClaimRelay': relay,
  '/imstate.v1.PresenceService/CommitRelay': relay,
  // What requires an admin is an act: declare it in src/daemon/audit/acts.ts too.
  '/imstate.v1.PresenceService/Evict': admin,
  '/imstate.v1.PresenceService/FinishUpgrade': admin,
  '/imstate.v1.PresenceService/PutPolicy': admin,
  '/imstate.v1.PresenceService/DeletePolicy': admin,
  '/imstate.v1.PresenceService/SetDefaultPolicy': admin,
  '/imstate.v1.PresenceService/PauseRelay': admin,
  '/imstate.v1.PresenceService/ReplayRelay': admin,
  '/imstate.v1.PresenceService/DeleteRelay': admin,
  '/imstate.v1.PresenceService/ListAudit': admin,
  '/imstate.v1.PresenceService/ExportUser': admin,
  '/imstate.v1.PresenceService/EraseUser': admin,

  // Load balancers and orchestrators call it, and it reveals nothing about anybody.
  '/grpc.health.v1.Health/Check': open,
  '/grpc.health.v1.Health/List': open,
  '/grpc.health.v1.Health/Watch': open,

  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': reader,
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': reader,

  // It reveals the addresses of all callers.
  '/grpc.channelz.v1.Channelz/GetTopChannels': reader,
  '/grpc.channelz.v1.Channelz/GetServers': reader,
  '/grpc.channelz.v1.Channelz/GetServer': reader,
  '/grpc.channelz.v1.Channelz/GetServerSockets': reader,
  '/grpc.channelz.v1.Channelz/GetChannel': reader,
  '/grpc.channelz.v1.Channelz/GetSubchannel': reader,
  '/grpc.channelz.v1.Channelz/GetSocket': reader,
};

/** What each operation of Apply requires: the same as the method of its name. */
const OPERATION_RULES: readonly (readonly [NonNullable<Operation__Output['operation']>, Rule])[] = [
  ['online', login],
  ['offline', writer],
  ['heartbeat', writer],
  ['getUser', reader],
];

/** A caller whose credential was checked. */
export interface Caller {
  /** Its name for messages and the log: `token "chat-1"`. */
  readonly name: string;
  /** Its name for the audit trail. */
  readonly identity: AuditIdentity;
  readonly role: Role;
  /**
   * The chat servers to which a writer is bound: its logins and leases may name no others. Undefined for any.
   */
  readonly serverAddrs: ReadonlySet<string> | undefined;
  /**
   * Why the credential is no longer valid: it was revoked, has changed, or has expired. Undefined while it is
   * valid.
   */
  fault(): ImstateError | undefined;
}

/** What a method requires. */
export function ruleOf(path: string): Rule {
  return METHOD_RULES[path] ?? admin;
}

/** Throws PERMISSION_DENIED if the role of the caller is not sufficient. */
export function checkRole(caller: Caller, { role }: Rule, what: string): void {
  if (role === undefined || ROLES.indexOf(caller.role) >= ROLES.indexOf(role)) return;
  throw new ImstateError(
    'PERMISSION_DENIED',
    `${what} needs the role ${role}, and ${caller.name} has ${caller.role}: call with a credential of that role`,
  );
}

/** Throws PERMISSION_DENIED if the message names a chat server to which the caller is not bound. */
export function checkServer(caller: Caller, rule: Rule, message: unknown): void {
  if (caller.serverAddrs === undefined) return;
  const server = rule.serverOf?.(message as never);
  if (server !== undefined) checkBound(caller, server);
}

/** Throws PERMISSION_DENIED if the caller is bound to other chat servers than the one that the field names. */
export function checkBound({ name, serverAddrs }: Caller, server: { field: string; addr: string }): void {
  if (serverAddrs === undefined || serverAddrs.has(server.addr)) return;
  throw new ImstateError(
    'PERMISSION_DENIED',
    `${server.field} must be ${someOf(serverAddrs)}, to which ${name} is bound; this one is "${server.addr}"`,
  );
}

/** A credential may name thousands: not all of them fit into the response. */
function someOf(serverAddrs: ReadonlySet<string>): string {
  const named = [...serverAddrs].slice(0, MAX_NAMED_SERVERS);
  const more = serverAddrs.size - named.length;
  return [...named, ...(more > 0 ? [`one of ${more} others`] : [])].join(' or ');
}

/** Throws PERMISSION_DENIED if the caller may not use this operation of Apply. */
export function checkOperation(caller: Caller, operation: Operation__Output): void {
  for (const [kind, rule] of OPERATION_RULES) {
    const message = operation[kind];
    if (!message) continue;
    checkRole(caller, rule, `the operation ${kind}`);
    checkServer(caller, rule, message);
  }
}
