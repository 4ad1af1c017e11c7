import { type SessionRecord, unpackRecord } from '../../presence/record.js';
import type { End } from '../../presence/rules.js';
import { LAST, type SessionKey } from './tables.js';
import type { WriteTransaction } from './WriteTransaction.js';

/**
 * Checks up to `limit` sessions of a chat server after the cursor, and ends those for which `ends` returns an
 * end.
 */
export function endSome(
  tx: WriteTransaction,
  serverAddr: string,
  cursor: readonly string[],
  limit: number,
  ends: (record: SessionRecord) => End | undefined,
): { checked: number; cursor: readonly string[] } {
  const { sessions, records } = tx.tables;
  const range = {
    start: [serverAddr, ...cursor] as unknown as SessionKey,
    end: [serverAddr, LAST] as unknown as SessionKey,
  };
  const keys = limit === 0 ? [] : [...sessions.getKeys({ ...range, exclusiveStart: true, limit })];
  for (const [, userId, deviceId] of keys) {
    const record = unpackRecord(deviceId, records.get([userId, deviceId]) as Buffer);
    const end = ends(record);
    if (end) tx.end(userId, record, end);
  }
  return { checked: keys.length, cursor: keys.at(-1)?.slice(1) ?? cursor };
}
