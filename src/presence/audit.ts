import type { AuditOutcome, AuditVia, IdentityKind } from 'imstate-client/internal/shared/audit';

/** Who acted. */
export interface AuditIdentity {
  kind: IdentityKind;
  /** The ID of the token, the subject of the JWT, the name in the certificate; never a secret. */
  name: string;
}

/** What an act was about. Names that do not apply are left out. */
export interface AuditTarget {
  /** Such as user, device, session, server, token or daemon. */
  type: string;
  userId?: string;
  deviceId?: string;
  sessionId?: string;
  serverAddr?: string;
  /** The name of a target that is none of these: a token, a setting. */
  name?: string;
}

/** What one administrator did, or tried to do. It holds no secrets. */
export interface AuditRecord {
  /** Unique; in the order of time. Made by the daemon. */
  id: string;
  /** Such as evict. */
  action: string;
  identity: AuditIdentity;
  /** The role of the caller; '' if it has none. */
  role: string;
  /** The address of the caller, with its port unless a proxy forwarded the request; '' if there is none. */
  source: string;
  target: AuditTarget;
  outcome: AuditOutcome;
  /** The code of the error; '' if the outcome is OK. */
  code: string;
  /** Human-readable: what came of it, or why not. */
  detail: string;
  /** How many similar acts have no record of their own. */
  omitted: number;
  requestId: string;
  /** The registered address of the daemon, host:port. */
  daemon: string;
  via: AuditVia;
}

/** A record as the store keeps it. */
export interface StoredAuditRecord extends AuditRecord {
  /** One more than that of the record before it. */
  number: number;
  /** When it was stored. Milliseconds since 1970, of the store's clock. */
  timeMs: number;
}

/** Which record a page of the audit trail follows. */
export type AuditPosition = Pick<StoredAuditRecord, 'number' | 'id'>;

/** Which part of the audit trail to read, newest first. */
export interface AuditPage {
  /** Maximum number, at most {@link MAX_AUDIT_PAGE}. */
  limit: number;
  /** The last record of the page before; undefined for the first page. */
  after: AuditPosition | undefined;
}

/** How many records one read, one erasure and one removal of old records touch. */
export const MAX_AUDIT_PAGE = 128;

/** How many of the newest records a repeated write searches for itself. */
export const AUDIT_REPEATS = 64;

/**
 * The record of an act on the user without what identifies them: with a pseudonym, and without device, session
 * and detail, which may be a reason that somebody typed. Undefined for a record of any other act.
 */
export function pseudonymized<Kept extends AuditRecord>(
  record: Kept,
  userId: string,
  pseudonym: string,
): Kept | undefined {
  const { target } = record;
  if (target.userId !== userId) return undefined;
  return { ...record, target: { type: target.type, userId: pseudonym }, detail: '' };
}
