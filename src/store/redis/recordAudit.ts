import type { AuditRecord } from '../../presence/audit.js';
import type { ShardScripts } from './ShardScripts.js';
import type { Keyed } from './shards.js';

/** The key of the audit trail. It is in no shard: what administrators do is about the whole store. */
export function auditKeys(keyPrefix: string): Keyed {
  return { keys: [1, `${keyPrefix}audit`] };
}

/** See PresenceStore.recordAudit and scripts/recordAudit.lua. */
export async function recordAudit(
  scripts: ShardScripts,
  keyed: Keyed,
  { id, ...record }: AuditRecord,
  isRepeat: boolean,
): Promise<void> {
  const fields = JSON.stringify(record).slice(1);
  const args = [scripts.now(), scripts.options.auditLimit, id, fields, Number(isRepeat)];
  await scripts.write(keyed, (redis) => redis.imRecordAudit(...keyed.keys, ...args));
}
