import type { AuditRecord } from '../../src/presence/audit.ts';

/** A record of an eviction of alice, with changes. */
export function auditRecord(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: 'id-1',
    action: 'evict',
    identity: { kind: 'TOKEN', name: 'ops' },
    role: 'admin',
    source: '127.0.0.1:50000',
    target: { type: 'user', userId: 'alice' },
    outcome: 'OK',
    code: '',
    detail: 'sessions ended: 1',
    omitted: 0,
    requestId: 'r-1',
    daemon: '127.0.0.1:8080',
    via: 'GRPC',
    ...changes,
  };
}
