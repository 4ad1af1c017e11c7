import { Histogram } from './histogram.js';

/** The outcomes of changes that watches queue. */
export class WatchCounts {
  /** Changes that were added to an outbox. A change counts once for each watch that it concerns. */
  queued = 0;
  sent = 0;
  /** Replaced by a later change of the same device before they were sent, as the caller requested. */
  coalesced = 0;
  /** Not sent when their watch ended. */
  left = 0;
  /** From a change until its delivery to watches, by the clocks of the store and of this machine. */
  readonly lag = new Histogram();
}
