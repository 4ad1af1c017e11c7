import type { AuditRecord__Output as WireAuditRecord } from 'imstate-client/internal/generated/imstate/v1/AuditRecord';
import { auditOutcomes, auditVias, identityKinds } from 'imstate-client/internal/wire/enums';
import { toTimestamp } from 'imstate-client/internal/wire/timestamp';
import type { StoredAuditRecord } from '../../presence/audit.js';

/** A record of the audit trail. */
export function toAuditRecord({ timeMs, identity, target, ...record }: StoredAuditRecord): WireAuditRecord {
  return {
    id: record.id,
    time: toTimestamp(timeMs),
    action: record.action,
    identity: { kind: identityKinds.toWire(identity.kind), name: identity.name },
    role: record.role,
    source: record.source,
    target: {
      type: target.type,
      userId: target.userId ?? '',
      deviceId: target.deviceId ?? '',
      sessionId: target.sessionId ?? '',
      serverAddr: target.serverAddr ?? '',
      name: target.name ?? '',
    },
    outcome: auditOutcomes.toWire(record.outcome),
    code: record.code,
    detail: record.detail,
    omitted: record.omitted,
    requestId: record.requestId,
    daemon: record.daemon,
    via: auditVias.toWire(record.via),
  };
}
