import type { SessionRecord } from '../../presence/record.js';
import type { End } from '../../presence/rules.js';
import type { ServerEviction } from '../../presence/servers.js';
import { endSome } from './endServer.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** How many sessions one write transaction checks. */
const SESSIONS = 256;

/** See PresenceStore.evictServer. */
export function evictServer(tx: WriteTransaction, serverAddr: string, reasonText: string): ServerEviction {
  let evicted = 0;
  const eviction = (record: SessionRecord): End => {
    const end = tx.endOf(record);
    if (end) return end;
    evicted += 1;
    return { timeMs: tx.now, reason: 'EVICTED', text: reasonText };
  };
  const { checked } = endSome(tx, serverAddr, [], SESSIONS, eviction);
  return { evicted, more: checked === SESSIONS, failure: undefined };
}
