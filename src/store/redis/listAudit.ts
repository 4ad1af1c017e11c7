import type { AuditPage, StoredAuditRecord } from '../../presence/audit.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';
import type { Keyed } from './shards.js';

/** See PresenceStore.listAudit and scripts/listAudit.lua. */
export function listAudit(
  scripts: ShardScripts,
  keyed: Keyed,
  page: AuditPage,
): Promise<StoredAuditRecord[]> {
  return readAudit(scripts, keyed, page, scripts.options.auditLimit);
}

/** Reads the newest `kept` records: there may be more for a time, if the limit was lowered. */
export async function readAudit(
  { redis }: ShardScripts,
  { keys }: Keyed,
  { limit, after }: AuditPage,
  kept: number,
): Promise<StoredAuditRecord[]> {
  const position = after ? [after.number, after.id] : [];
  const args = [kept, limit, ...position];
  const entries = await redis.imListAudit(...keys, ...args).catch(rejectRead);
  return entries.map((entry) => JSON.parse(entry));
}
