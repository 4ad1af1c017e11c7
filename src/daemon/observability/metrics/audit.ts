import type { AuditTrail } from '../../audit/auditTrail.js';
import { type Family, one } from './family.js';

/** What administrators did, as far as this daemon has recorded it. */
export function auditFamilies(audit: AuditTrail): Family[] {
  return [
    {
      name: 'imstate_audit_records_total',
      type: 'counter',
      help: 'Records of administrative acts, by outcome: OK, DENIED or FAILED.',
      *read() {
        for (const [outcome, value] of Object.entries(audit.records)) yield { labels: { outcome }, value };
      },
    },
    one(
      'counter',
      'imstate_audit_write_failures_total',
      'Records of administrative acts that could not be stored: they are in the log only.',
      () => audit.writeFailures,
    ),
  ];
}
