import { MAX_AUDIT_PAGE, pseudonymized, type StoredAuditRecord } from '../../presence/audit.js';
import { readAudit } from './listAudit.js';
import type { ShardScripts } from './ShardScripts.js';
import type { Keyed } from './shards.js';

/** See PresenceStore.eraseFromAudit and scripts/eraseFromAudit.lua. */
export async function eraseFromAudit(
  scripts: ShardScripts,
  keyed: Keyed,
  userId: string,
  pseudonym: string,
): Promise<number> {
  let erased = 0;
  let after: StoredAuditRecord | undefined;
  do {
    const page = { limit: MAX_AUDIT_PAGE, after };
    const records = await readAudit(scripts, keyed, page, Number.MAX_SAFE_INTEGER);
    const args = records.flatMap((record) => argumentsFor(pseudonymized(record, userId, pseudonym)));
    if (args.length > 0)
      erased += await scripts.write<number>(keyed, (redis) => redis.imEraseFromAudit(...keyed.keys, ...args));
    after = records.at(-1);
  } while (after !== undefined);
  return erased;
}

/** An entry begins with its number and its id: see scripts/auditLog.lua. */
function argumentsFor(record: StoredAuditRecord | undefined): (string | number)[] {
  if (record === undefined) return [];
  const { number, id, ...others } = record;
  return [number, id, JSON.stringify({ number, id, ...others })];
}
