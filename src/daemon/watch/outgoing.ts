import type { UserSnapshot__Output } from 'imstate-client/internal/generated/imstate/v1/UserSnapshot';
import type { PublishedChange } from './publishedChange.js';

/** A change, and the revision that is sent with it. */
export interface OutgoingChange {
  change: PublishedChange;
  revision: string;
}

/** One entry of what a watch sends, in order. */
export type Outgoing =
  | { snapshot: UserSnapshot__Output; size: number }
  | OutgoingChange
  /** The revision at the time from which the watch resumes. */
  | { resumedRevision: string; revision: string }
  | { synced: true; revision: string }
  | { progress: true; revision: string }
  /** Since when the watch lags, in milliseconds since 1970; undefined once it has caught up. */
  | { lag: number | undefined };

/** The memory of an entry that waits, without what it refers to. Bytes, as measured. */
export const ENTRY_BYTES = 120;

/** The memory of an entry that waits. Bytes, estimated. */
export function sizeOf(outgoing: Outgoing): number {
  if ('change' in outgoing) return ENTRY_BYTES + outgoing.change.size;
  if ('lag' in outgoing) return ENTRY_BYTES;
  return ENTRY_BYTES + ('snapshot' in outgoing ? outgoing.size : outgoing.revision.length);
}
