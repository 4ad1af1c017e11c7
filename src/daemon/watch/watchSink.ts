import type { Shared } from './backlog.js';
import type { WatchMessage } from './watchMessage.js';

/** Where a watch writes its messages: a gRPC stream, or server-sent events. */
export interface WatchSink {
  /**
   * Sends a message and calls `onTaken`, later, once the network has taken it: never if the caller is gone.
   * Returns what is kept in memory until then.
   */
  send(message: WatchMessage, onTaken: () => void): Shared;
  /** Ends the stream with an error. */
  end(error: unknown): void;
  /** Resets a stream that has ended, and drops what its caller has not read, its status included. */
  reset(): void;
}
