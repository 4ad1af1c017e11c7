import type { UserSnapshot__Output } from 'imstate-client/internal/generated/imstate/v1/UserSnapshot';
import { FramedMessage } from 'imstate-client/internal/wire/framedMessage';
import { toTimestamp } from 'imstate-client/internal/wire/timestamp';
import type { Shared } from './backlog.js';
import { encodePart, type PublishedChange } from './publishedChange.js';

/** A message of a watch, shared by all watches that send the same. */
export class WatchMessage {
  readonly snapshot: UserSnapshot__Output[] = [];
  readonly changes: PublishedChange[] = [];
  synced = false;
  resumedRevision = '';
  revision = '';
  coalesced = 0;
  /** Set when the watch begins to lag. Milliseconds since 1970. */
  laggingSinceMs: number | undefined;
  caughtUp = false;
  #framed: FramedWatchMessage | undefined;

  /** The message as gRPC sends it. */
  get framed(): FramedWatchMessage {
    this.#framed ??= new FramedWatchMessage(this.#parts());
    return this.#framed;
  }

  /** The watch has lagged since `sinceMs`, or has caught up if that is undefined. */
  lag(sinceMs: number | undefined): void {
    this.laggingSinceMs = sinceMs;
    this.caughtUp = sinceMs === undefined;
  }

  #parts(): Buffer[] {
    const { snapshot, changes, synced, resumedRevision, revision, coalesced, caughtUp } = this;
    const parts = changes.map(({ bytes }) => bytes);
    if (synced || snapshot.length > 0) parts.unshift(encodePart({ snapshot, synced }));
    const laggingSince = toTimestamp(this.laggingSinceMs);
    parts.push(encodePart({ resumedRevision, revision, coalesced, laggingSince, caughtUp }));
    return parts;
  }
}

class FramedWatchMessage extends FramedMessage implements Shared {
  holders = 0;
  closedHolders = 0;

  get size(): number {
    return this.frame.length;
  }
}
