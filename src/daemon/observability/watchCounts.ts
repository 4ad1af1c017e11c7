import { Histogram } from './histogram.js';

/** What becomes of the changes that watches are to tell. */
export class WatchCounts {
  /** Changes that were put into an outbox: a change counts once for each watch that it concerns. */
  queued = 0;
  sent = 0;
  /** Replaced by a later change of the same device before they were sent, as the caller had asked. */
  coalesced = 0;
  /** Not sent yet when their watch was over. */
  left = 0;
  /** From a change until watches are told, by the clocks of the store and of this machine. */
  readonly lag = new Histogram();
}
