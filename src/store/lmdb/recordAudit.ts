import { type AuditRecord, MAX_AUDIT_PAGE } from '../../presence/audit.js';
import type { WriteTransaction } from './WriteTransaction.js';

/**
 * See PresenceStore.recordAudit. A transaction is on disk or not at all, so a repeat is never a record that
 * was added before.
 */
export function recordAudit(
  { tables: { audit }, options, now }: WriteTransaction,
  record: AuditRecord,
): void {
  const { auditLimit } = options;
  const [newest = 0] = audit.getKeys({ reverse: true, limit: 1 });
  const number = auditLimit > 0 ? newest + 1 : newest;
  if (auditLimit > 0) audit.put(number, { number, timeMs: now, ...record });
  for (const key of [...audit.getKeys({ end: number - auditLimit + 1, limit: MAX_AUDIT_PAGE })])
    audit.remove(key);
}
