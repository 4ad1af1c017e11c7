import type { AuditPage, StoredAuditRecord } from '../../presence/audit.js';
import type { StoreOptions } from '../store.js';
import type { Tables } from './tables.js';

/** See PresenceStore.listAudit. */
export function listAudit(
  { audit }: Tables,
  { auditLimit }: StoreOptions,
  { limit, after }: AuditPage,
): StoredAuditRecord[] {
  const [newest = 0] = audit.getKeys({ reverse: true, limit: 1 });
  // It was removed, and the older ones with it.
  if (after !== undefined && audit.get(after.number)?.id !== after.id) return [];
  const start = after === undefined ? newest : after.number - 1;
  const range = { start, end: Math.max(0, newest - auditLimit), reverse: true, limit };
  return [...audit.getRange(range)].map(({ value }) => value);
}
