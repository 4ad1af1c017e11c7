import type { WatchCounts } from '../observability/watchCounts.js';
import type { WatchBacklog } from './backlog.js';
import { MAX_MESSAGE_BYTES, MAX_MESSAGE_ENTRIES } from './feed.js';
import { ENTRY_BYTES, type Outgoing, type OutgoingChange, sizeOf } from './outgoing.js';
import { WatchMessage } from './watchMessage.js';

/** What waits to be sent on one watch, in order. It counts for the backlog of all watches. */
export class OutgoingQueue {
  readonly #coalesces: boolean;
  readonly #backlog: WatchBacklog;
  readonly #counts: WatchCounts;
  readonly #entries = new Map<string | number, Outgoing>();
  #nextKey = 0;
  #changes = 0;
  #bytes = 0;
  #coalesced = 0;

  /** With `coalesces` a change replaces an earlier one of the same device that still waits. */
  constructor(coalesces: boolean, backlog: WatchBacklog, counts: WatchCounts) {
    this.#coalesces = coalesces;
    this.#backlog = backlog;
    this.#counts = counts;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many changes wait. */
  get changes(): number {
    return this.#changes;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  add(outgoing: Outgoing): void {
    this.#nextKey += 1;
    if (!('change' in outgoing)) {
      this.#put(this.#nextKey, outgoing);
      return;
    }
    this.#counts.queued += 1;
    this.#changes += 1;
    if (this.#coalesces) this.#addNewest(outgoing);
    else this.#put(this.#nextKey, outgoing);
  }

  /** Removes the next message, with as many entries as fit into it. */
  take(): WatchMessage {
    const message = new WatchMessage();
    let bytes = 0;
    let entries = 0;
    for (const [key, outgoing] of this.#entries) {
      const isFull = entries === MAX_MESSAGE_ENTRIES || bytes > MAX_MESSAGE_BYTES;
      if (isFull || needsOwnMessage(outgoing, message, entries)) break;
      bytes += this.#remove(key, outgoing);
      entries += 1;
      addTo(message, outgoing);
      if ('lag' in outgoing) break;
    }
    message.coalesced = this.#coalesced;
    return message;
  }

  clear(): void {
    for (const [key, outgoing] of this.#entries) this.#remove(key, outgoing);
  }

  #put(key: string | number, outgoing: Outgoing): void {
    this.#entries.set(key, outgoing);
    this.#bytes += sizeOf(outgoing);
    if ('change' in outgoing) {
      this.#backlog.add(ENTRY_BYTES);
      this.#backlog.hold(outgoing.change);
    } else this.#backlog.add(sizeOf(outgoing));
  }

  /** Returns the bytes of what it removes. */
  #remove(key: string | number, outgoing: Outgoing): number {
    this.#entries.delete(key);
    const bytes = sizeOf(outgoing);
    this.#bytes -= bytes;
    if ('change' in outgoing) {
      this.#changes -= 1;
      this.#backlog.add(-ENTRY_BYTES);
      this.#backlog.release(outgoing.change);
    } else this.#backlog.add(-bytes);
    return bytes;
  }

  /** Puts the newest change of a device at the end, in place of an earlier one that waits. */
  #addNewest(newest: OutgoingChange): void {
    const key = newest.change.deviceKey;
    const earlier = this.#entries.get(key);
    if (!earlier || !('change' in earlier)) {
      this.#put(key, newest);
      return;
    }
    this.#remove(key, earlier);
    this.#coalesced += 1;
    this.#counts.coalesced += 1;
    this.#put(key, { change: newest.change.replacing(earlier.change), revision: newest.revision });
  }
}

/** True if the entry cannot go into the message behind what it has already. */
function needsOwnMessage(outgoing: Outgoing, message: WatchMessage, entries: number): boolean {
  // A reader expects snapshot, synced and changes in this order, and counts `synced`: one per start or
  // update.
  if ('snapshot' in outgoing || 'synced' in outgoing) return message.synced || message.changes.length > 0;
  // It has no revision, and must not delay that of other entries.
  return 'lag' in outgoing && entries > 0;
}

function addTo(message: WatchMessage, outgoing: Outgoing): void {
  if ('snapshot' in outgoing) message.snapshot.push(outgoing.snapshot);
  else if ('lag' in outgoing) message.lag(outgoing.lag);
  else message.revision = outgoing.revision;
  if ('change' in outgoing) message.changes.push(outgoing.change);
  if ('synced' in outgoing) message.synced = true;
  if ('resumedRevision' in outgoing) message.resumedRevision = outgoing.resumedRevision;
}
