import type { UserChanges } from '../changeLog.js';
import { entriesOf } from './LmdbChangeLog.js';
import type { Tables } from './tables.js';

/** How many entries are looked at before other work takes its turn. */
const ENTRIES_AT_ONCE = 1_000;

/** See PresenceStore.listChanges. */
export function listChanges({ changes }: Tables, userId: string, after: string | undefined): UserChanges {
  const found = [...changes.getRange({ start: Number(after ?? 0) + 1, limit: ENTRIES_AT_ONCE })];
  const entries = entriesOf(found.filter(({ value }) => value?.userId === userId));
  return { entries, next: found.length === ENTRIES_AT_ONCE ? String(found.at(-1)?.key) : undefined };
}
