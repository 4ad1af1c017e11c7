import type { AuditTrail } from './auditTrail.js';

/** Records that a signal has changed the log level; by HTTP it is an act like others, see acts.ts. */
export function noteLogLevel(audit: AuditTrail, level: string): void {
  audit.note({
    action: 'set_log_level',
    target: { type: 'daemon' },
    detail: `log level ${level}`,
    via: 'SIGNAL',
  });
}
