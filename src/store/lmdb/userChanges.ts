import { CHANGES_PER_PART, type UserChanges } from '../changeLog.js';
import { entriesOf } from './LmdbChangeLog.js';
import type { Tables } from './tables.js';

/** How many entries are looked at before other work takes its turn. */
const ENTRIES_AT_ONCE = 1_000;

/** See PresenceStore.listChanges. */
export function listChanges({ changes }: Tables, userId: string, after: string | undefined): UserChanges {
  const found = [...changes.getRange({ start: Number(after ?? 0) + 1, limit: ENTRIES_AT_ONCE })];
  const ofUser = found.filter(({ value }) => value?.userId === userId);
  const some = ofUser.slice(0, CHANGES_PER_PART);
  const hasMore = ofUser.length >= CHANGES_PER_PART || found.length === ENTRIES_AT_ONCE;
  const last = ofUser.length >= CHANGES_PER_PART ? some.at(-1) : found.at(-1);
  return { entries: entriesOf(some), next: hasMore ? String(last?.key) : undefined };
}
