import type { EraseUserResponse } from 'imstate-client/internal/generated/imstate/v1/EraseUserResponse';
import type { EvictResponse } from 'imstate-client/internal/generated/imstate/v1/EvictResponse';
import type { FinishUpgradeResponse } from 'imstate-client/internal/generated/imstate/v1/FinishUpgradeResponse';
import type { PauseRelayResponse } from 'imstate-client/internal/generated/imstate/v1/PauseRelayResponse';
import type { Policy } from 'imstate-client/internal/generated/imstate/v1/Policy';
import type { PutPolicyResponse } from 'imstate-client/internal/generated/imstate/v1/PutPolicyResponse';
import type { SetDefaultPolicyResponse } from 'imstate-client/internal/generated/imstate/v1/SetDefaultPolicyResponse';
import type { AuditTarget } from '../../presence/audit.js';
import { CREDENTIAL_CHANGES, CREDENTIAL_KINDS, type CredentialChange } from '../auth/credentialChanges.js';

/** A request by gRPC or HTTP: fields of the message, or of the query, the JSON body and the path. */
export type ActRequest = Readonly<Record<string, unknown>>;

/** One kind of administrative act. */
export interface Act {
  /** Its name in records. */
  readonly action: string;
  /** True if it changes nothing: then only denied calls are recorded. */
  readonly isRead?: boolean;
  /** True if records name a pseudonym instead of the user. */
  readonly hidesUser?: boolean;
  /** What the request is about. Of a denied call nothing was read: the request is empty. */
  target(request: ActRequest): AuditTarget;
  /** What came of it, human-readable; without secrets. */
  detail?(response: never, request: ActRequest): string;
}

const EVICT = {
  action: 'evict',
  target: evictTarget,
  detail: ({ evicted, more }: EvictResponse, { reasonText, reason = reasonText }) =>
    [`sessions ended: ${evicted}`, more && 'more are left', reason && `reason: ${reason}`]
      .filter(Boolean)
      .join(', '),
} satisfies Act;

const FINISH_UPGRADE = {
  action: 'finish_upgrade',
  target: () => ({ type: 'store' }),
  detail: ({ previousLevel, featureLevel }: FinishUpgradeResponse, { validateOnly }) =>
    `feature level ${previousLevel} to ${featureLevel}${validateOnly ? ', checked only' : ''}`,
} satisfies Act;

const userTarget = ({ userId }: ActRequest): AuditTarget => ({
  type: 'user',
  ...(typeof userId === 'string' && userId !== '' && { userId }),
});

/** Each page is a record: a token can be made up. Usually there is one page. */
const EXPORT_USER: Act = { action: 'export_user', target: userTarget };

const ERASE_USER = {
  action: 'erase_user',
  hidesUser: true,
  target: userTarget,
  detail: (response: EraseUserResponse) =>
    [
      `sessions ended: ${response.sessionsEnded}`,
      `records erased: ${response.recordsErased}`,
      `changes erased: ${response.changesErased}`,
      response.entriesLeft && `left: ${response.entriesLeft}`,
      response.devicesOnline && `online again: ${response.devicesOnline}`,
    ]
      .filter(Boolean)
      .join(', '),
} satisfies Act;

const policyTarget = (name: unknown): AuditTarget => ({
  type: 'policy',
  ...(typeof name === 'string' && name !== '' && { name }),
});

const PUT_POLICY = {
  action: 'put_policy',
  target: ({ policy }) => policyTarget((policy as Policy | null | undefined)?.name),
  detail: ({ policy, changed }: PutPolicyResponse) =>
    `version ${policy?.version}${changed ? '' : ', unchanged'}`,
} satisfies Act;

const DELETE_POLICY = {
  action: 'delete_policy',
  target: ({ name }) => policyTarget(name),
} satisfies Act;

const SET_DEFAULT_POLICY = {
  action: 'set_default_policy',
  target: ({ name }) => policyTarget(name),
  detail: ({ policy, previous }: SetDefaultPolicyResponse) => `default policy ${previous} to ${policy?.name}`,
} satisfies Act;

const relayTarget = ({ name }: ActRequest): AuditTarget => ({
  type: 'relay',
  ...(typeof name === 'string' && name !== '' && { name }),
});

const PAUSE_RELAY = {
  action: 'pause_relay',
  target: relayTarget,
  detail: (_: PauseRelayResponse, { resume }) => (resume ? 'resumed' : 'paused'),
} satisfies Act;

/** The same act, by a route of its own. */
const RESUME_RELAY = { ...PAUSE_RELAY, detail: () => 'resumed' } satisfies Act;

const REPLAY_RELAY = { action: 'replay_relay', target: relayTarget } satisfies Act;

const DELETE_RELAY = { action: 'delete_relay', target: relayTarget } satisfies Act;

const SET_LOG_LEVEL = {
  action: 'set_log_level',
  target: () => ({ type: 'daemon' }),
  detail: ({ level }: { level: string }) => `log level ${level}`,
} satisfies Act;

const READ_LOG_LEVEL: Act = {
  action: 'read_log_level',
  isRead: true,
  target: () => ({ type: 'daemon' }),
};

const READ_AUDIT: Act = { action: 'read_audit', isRead: true, target: () => ({ type: 'store' }) };

/**
 * The administrative acts: every method and route that requires an admin, by its path or by `METHOD path`. A
 * call of one of them is recorded. A test compares them with roles.ts and the routes.
 */
export const ACTS: Readonly<Record<string, Act>> = {
  '/imstate.v1.PresenceService/Evict': EVICT,
  '/imstate.v1.PresenceService/FinishUpgrade': FINISH_UPGRADE,
  '/imstate.v1.PresenceService/PutPolicy': PUT_POLICY,
  '/imstate.v1.PresenceService/DeletePolicy': DELETE_POLICY,
  '/imstate.v1.PresenceService/SetDefaultPolicy': SET_DEFAULT_POLICY,
  '/imstate.v1.PresenceService/PauseRelay': PAUSE_RELAY,
  '/imstate.v1.PresenceService/ReplayRelay': REPLAY_RELAY,
  '/imstate.v1.PresenceService/DeleteRelay': DELETE_RELAY,
  '/imstate.v1.PresenceService/ListAudit': READ_AUDIT,
  '/imstate.v1.PresenceService/ExportUser': EXPORT_USER,
  '/imstate.v1.PresenceService/EraseUser': ERASE_USER,
  'POST /api/v1/evict': EVICT,
  'POST /api/v1/relays/{name}/pause': PAUSE_RELAY,
  'POST /api/v1/relays/{name}/resume': RESUME_RELAY,
  'GET /api/v1/audit': READ_AUDIT,
  'GET /admin/log-level': READ_LOG_LEVEL,
  'POST /admin/log-level': SET_LOG_LEVEL,
};

/** The action of a change of a file of credentials. */
export function credentialAction({ change, kind }: Pick<CredentialChange, 'change' | 'kind'>): string {
  return `${change}_${kind}`;
}

/** Every action that a record may have. */
export const ACTIONS: ReadonlySet<string> = new Set([
  ...Object.values(ACTS).map(({ action }) => action),
  ...CREDENTIAL_KINDS.flatMap((kind) =>
    CREDENTIAL_CHANGES.map((change) => credentialAction({ change, kind })),
  ),
]);

/** By gRPC a session is an object; by HTTP its parts are keys of the body. */
function evictTarget(request: ActRequest): AuditTarget {
  const { serverAddr } = request;
  if (typeof serverAddr === 'string' && serverAddr !== '') return { type: 'server', serverAddr };
  const { userId, deviceId, sessionId } = (request.session ?? request.device ?? request) as Record<
    string,
    string | undefined
  >;
  // Without any name too: then it is not known which sessions.
  const type = sessionId || !userId ? 'session' : deviceId ? 'device' : 'user';
  return { type, ...(userId && { userId }), ...(deviceId && { deviceId }), ...(sessionId && { sessionId }) };
}
