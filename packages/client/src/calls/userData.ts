import type { Change } from '../watch/watchMessages.js';
import type { AuditRecord } from './audit.js';
import type { HistoryEntry } from './listings.js';
import type { DeviceState } from './messages.js';

/** Everything that is kept of a user. */
export interface UserExport {
  /** The user of the export. */
  userId: string;
  /** With their explanation, newest login first. */
  devices: DeviceState[];
  /** The sessions that ended, newest end first. */
  history: HistoryEntry[];
  /** The changes in the change log, oldest first. Their revisions are empty. */
  changes: Change[];
  /** Administrative acts on the user, newest first. */
  audit: AuditRecord[];
}

/** What the erasure of a user has done. */
export interface EraseResult {
  /** How many sessions ended. */
  sessionsEnded: number;
  /** How many records, entries of the history and of indexes were removed. */
  recordsErased: number;
  /** How many changes were removed from the change log. */
  changesErased: number;
  /** How many records of the audit trail have a pseudonym now. */
  auditRecordsRewritten: number;
  /** How many entries were found afterwards nevertheless: erase again. */
  entriesLeft: number;
  /** How many devices of the user are online: they logged in meanwhile, and were not erased. */
  devicesOnline: number;
}
