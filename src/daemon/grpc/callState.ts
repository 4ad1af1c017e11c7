import type { Load } from '../overload/load.js';
import type { OpenStreams } from './openStreams.js';
import type { StatusMapper } from './status.js';

/** What the calls and streams of a daemon share. */
export interface CallState {
  readonly load: Load;
  readonly statuses: StatusMapper;
  readonly streams: OpenStreams;
  /** Calls and messages of streams that were accepted and have no response yet. */
  inFlight: number;
}
