import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ChangeLogEntry } from '../../store/changeLog.js';
import type { ChangeDelivery } from './changeDelivery.js';

/** Receives what a {@link ChangeLogReader} reads. */
export interface ChangeLogListener {
  /**
   * Delivers a change. Returns the rest of the delivery if it takes further turns of the event loop.
   * `revision` returns the revision behind the change.
   */
  deliver(shard: number, entry: ChangeLogEntry, revision: () => string): ChangeDelivery | undefined;
  /** A page of changes was delivered; the oldest is of that time. Milliseconds since 1970. */
  pageDelivered(oldestMs: number): void;
  /** Called at every poll. */
  polled(): void;
  /** A shard begins to lag, or has caught up. */
  lagChanged(shard: number): void;
  /** Changes of a shard were removed before they were read. */
  changesLost(shard: number, error: ImstateError): void;
  /** No shard could be read at the start. */
  failed(error: ImstateError): void;
}
