import { MAX_AUDIT_PAGE, pseudonymized } from '../../presence/audit.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** What one write transaction of an erasure has done. */
export interface AuditErasure {
  erased: number;
  /** The number of the last record; undefined if none is left. */
  next: number | undefined;
}

/** A part of PresenceStore.eraseFromAudit: the records before that number, newest first. */
export function eraseFromAudit(
  { tables: { audit } }: WriteTransaction,
  { userId, pseudonym, before }: { userId: string; pseudonym: string; before: number | undefined },
): AuditErasure {
  const start = before === undefined ? {} : { start: before - 1 };
  const records = [...audit.getRange({ ...start, reverse: true, limit: MAX_AUDIT_PAGE })];
  let erased = 0;
  for (const { key, value } of records) {
    const clean = pseudonymized(value, userId, pseudonym);
    if (clean === undefined) continue;
    audit.put(key, clean);
    erased += 1;
  }
  return { erased, next: records.at(-1)?.key };
}
