import type { AuditRecord__Output } from '../generated/imstate/v1/AuditRecord.js';
import type { AuditOutcome, AuditVia, IdentityKind } from '../shared/audit.js';
import { auditOutcomes, auditVias, identityKinds } from '../wire/enums.js';
import { fromTimestamp } from '../wire/timestamp.js';
import type { PageRequest } from './listings.js';

/** Which records of the audit trail to list. */
export interface ListAuditRequest extends PageRequest {
  /** Only records from this time on. All that are kept by default. */
  since?: Date | undefined;
  /** Only acts of the identity with this name, such as the ID of a token. All by default. */
  identity?: string | undefined;
  /** Only acts of this name, such as `evict`. All by default. */
  action?: string | undefined;
  /** Only acts on this user. All by default. */
  userId?: string | undefined;
  /** Only acts with this outcome. All by default. */
  outcome?: AuditOutcome | undefined;
}

/** What an administrative act was done to. What does not apply is undefined. */
export interface AuditTarget {
  /** `user`, `device`, `session`, `server`, `store`, `daemon`, `token`, `certificate`; later versions have more. */
  type: string;
  /** The user, or the pseudonym of a user who was erased. */
  userId: string | undefined;
  /** The device. */
  deviceId: string | undefined;
  /** The session. */
  sessionId: string | undefined;
  /** The chat server, `host:port`. */
  serverAddr: string | undefined;
  /** The name of another target, such as a token. */
  name: string | undefined;
}

/** One administrative act. It holds no secrets. */
export interface AuditRecord {
  /** Unique; IDs are in the order of time. */
  id: string;
  /** When it was recorded, by the clock of the store. */
  time: Date | undefined;
  /** What was done, such as `evict`; later versions have more. */
  action: string;
  /** Who did it. The name is never a secret. */
  identity: { kind: IdentityKind | 'UNKNOWN' | undefined; name: string };
  /** The role of the caller; undefined if it has none. */
  role: string | undefined;
  /** The address of the caller; undefined for files and signals. */
  source: string | undefined;
  /** What it was done to. Of a denied call, only the type is known. */
  target: AuditTarget;
  /** How it ended; `UNKNOWN` for an outcome of a later version. */
  outcome: AuditOutcome | 'UNKNOWN' | undefined;
  /** The code of the error; undefined if the outcome is `OK`. */
  code: string | undefined;
  /** What came of it, or why not; human-readable. */
  detail: string | undefined;
  /** How many similar acts have no record of their own. */
  omitted: number;
  /** The ID of the request; undefined for files and signals. */
  requestId: string | undefined;
  /** The registered address of the daemon, `host:port`. */
  daemon: string;
  /** How it reached the daemon; `UNKNOWN` for a way of a later version. */
  via: AuditVia | 'UNKNOWN' | undefined;
}

/** A page of the audit trail. */
export interface AuditPage {
  /** Newest first. A page may have fewer than requested without being the last. */
  records: AuditRecord[];
  /** The token of the next page; undefined on the last page. */
  nextPageToken: string | undefined;
}

/** A record of the audit trail in a response. */
export function readAuditRecord(record: AuditRecord__Output): AuditRecord {
  const { identity, target, time, outcome, via, ...others } = record;
  return {
    id: others.id,
    time: fromTimestamp(time),
    action: others.action,
    identity: { kind: identityKinds.fromWire(identity?.kind ?? 0), name: identity?.name ?? '' },
    role: others.role || undefined,
    source: others.source || undefined,
    target: {
      type: target?.type ?? '',
      userId: target?.userId || undefined,
      deviceId: target?.deviceId || undefined,
      sessionId: target?.sessionId || undefined,
      serverAddr: target?.serverAddr || undefined,
      name: target?.name || undefined,
    },
    outcome: auditOutcomes.fromWire(outcome),
    code: others.code || undefined,
    detail: others.detail || undefined,
    omitted: others.omitted,
    requestId: others.requestId || undefined,
    daemon: others.daemon,
    via: auditVias.fromWire(via),
  };
}
