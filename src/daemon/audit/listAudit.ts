import { setImmediate } from 'node:timers/promises';
import type { AuditOutcome } from 'imstate-client/internal/shared/audit';
import { type AuditPosition, MAX_AUDIT_PAGE, type StoredAuditRecord } from '../../presence/audit.js';
import { broken } from '../../presence/validate.js';
import { formatPageToken, parsePageToken } from '../../store/pageToken.js';
import type { PresenceStore } from '../../store/store.js';
import { ACTIONS } from './acts.js';

/** How many records one call reads: with a filter, a page may be short and not be the last. */
const MAX_READ = 16 * MAX_AUDIT_PAGE;

/** Which records to list; undefined filters nothing. */
export interface AuditFilter {
  /** Only records from this time on. Milliseconds since 1970. */
  sinceMs: number | undefined;
  /** Only those of this name of an identity. */
  identity: string | undefined;
  action: string | undefined;
  /** Only those whose target is this user, or of this user. */
  userId: string | undefined;
  outcome: AuditOutcome | undefined;
}

/** Which page of the audit trail to list. */
export interface AuditQuery extends AuditFilter {
  /** Maximum number. */
  limit: number;
  /** `next` of the page before; undefined for the first. */
  after: string | undefined;
}

/** A page of the records that pass the filter, newest first. Throws INVALID_ARGUMENT for an unknown action. */
export async function listAudit(
  store: Pick<PresenceStore, 'listAudit'>,
  { limit, after: token, ...filter }: AuditQuery,
): Promise<{ records: StoredAuditRecord[]; next: string | undefined }> {
  const { action } = filter;
  // It would match nothing, as if nothing had been done.
  if (action !== undefined && !ACTIONS.has(action))
    throw broken('action', `must be one of ${[...ACTIONS].join(', ')}`);
  const found: StoredAuditRecord[] = [];
  let after = token === undefined ? undefined : readToken(token);
  for (let read = 0; read < MAX_READ; read += MAX_AUDIT_PAGE) {
    const records = await store.listAudit({ limit: MAX_AUDIT_PAGE, after });
    // The embedded store reads in this thread.
    await setImmediate();
    const isLast = records.length < MAX_AUDIT_PAGE || records.every((record) => isTooOld(record, filter));
    for (const record of records) {
      after = record;
      if (passes(record, filter)) found.push(record);
      if (found.length < limit) continue;
      return { records: found, next: isLast && record === records.at(-1) ? undefined : toToken(record) };
    }
    if (isLast) return { records: found, next: undefined };
  }
  return { records: found, next: after && toToken(after) };
}

function passes(record: StoredAuditRecord, filter: AuditFilter): boolean {
  const { identity, action, userId, outcome } = filter;
  return (
    !isTooOld(record, filter) &&
    (identity === undefined || record.identity.name === identity) &&
    (action === undefined || record.action === action) &&
    (userId === undefined || record.target.userId === userId) &&
    (outcome === undefined || record.outcome === outcome)
  );
}

function isTooOld({ timeMs }: StoredAuditRecord, { sinceMs = 0 }: AuditFilter): boolean {
  return timeMs < sinceMs;
}

function readToken(token: string): AuditPosition {
  const [number, id] = parsePageToken<[number, string]>(token, [0, '']);
  return { number, id };
}

function toToken({ number, id }: AuditPosition): string {
  return formatPageToken([number, id]);
}
