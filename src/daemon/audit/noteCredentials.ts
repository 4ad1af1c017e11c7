import type { CredentialChange } from '../auth/credentialChanges.js';
import { credentialAction } from './acts.js';
import type { AuditTrail } from './auditTrail.js';

/** How many changes of one file have a record of their own. */
const MAX_RECORDS = 20;

/** Records which credentials a file lists or no longer lists. */
export function noteCredentials(audit: AuditTrail, changes: readonly CredentialChange[]): void {
  const noted = changes.slice(0, MAX_RECORDS);
  for (const [i, change] of noted.entries()) {
    const { kind, name, detail } = change;
    const isLast = i === MAX_RECORDS - 1;
    audit.note({
      action: credentialAction(change),
      target: { type: kind, name },
      detail,
      omitted: isLast ? changes.length - noted.length : 0,
      via: 'FILE',
    });
  }
}
