/** What several watches can hold at the same time. It counts once, while at least one of them holds it. */
export interface Shared {
  /** Bytes of memory, estimated. */
  readonly size: number;
  /** How many watches hold it; {@link WatchBacklog} counts. */
  holders: number;
  /** How many of the holders are closed. They release it when the network has taken it, or after a while. */
  closedHolders: number;
}

/** A watch, as far as the backlog is concerned. */
export interface BacklogMember {
  /** Bytes that wait until its caller reads. */
  readonly backlogBytes: number;
  /**
   * Closes it, and releases what the network was not given. The rest goes through {@link
   * WatchBacklog.holdClosed}.
   */
  closeForBacklog(): void;
}

/** A closed watch whose last message is still at the network. */
export interface ClosedHolder {
  /** Resets its stream, which drops the message, and releases the message. */
  cut(): void;
}

/**
 * Watches are closed until this share of the budget is in use. Otherwise each further change would close
 * another.
 */
const LOW_PART = 0.9;
/**
 * What only closed watches hold does not count towards the budget: closing more watches would not free it
 * sooner. It may take this share of the budget. Beyond that, streams of closed watches are reset, and their
 * callers receive no status.
 */
const CLOSED_PART = 0.5;
/** A watch that holds less does not cause the backlog: its caller reads. */
const SMALL_BYTES = 4_096;

/**
 * The bytes that all watches of a daemon hold until their callers read. Over the budget, the largest watches
 * are closed.
 */
export class WatchBacklog {
  readonly #maxBytes: number;
  readonly #onClosed: (count: number, bytes: number) => void;
  readonly #members = new Set<BacklogMember>();
  /** In the order in which they were closed. */
  readonly #closedHolders = new Set<ClosedHolder>();
  #bytes = 0;
  /** The part of {@link bytes} that only closed watches hold. */
  #closedBytes = 0;
  #closed = 0;
  #isChecking = false;
  #reclaim = (): void => {};

  /** `onClosed` receives how many watches were closed at once, and how many bytes waited before. */
  constructor(maxBytes: number, onClosed: (count: number, bytes: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onClosed = onClosed;
  }

  /** All bytes in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many watches were closed because of the budget. */
  get closed(): number {
    return this.#closed;
  }

  join(member: BacklogMember): void {
    this.#members.add(member);
  }

  leave(member: BacklogMember): void {
    this.#members.delete(member);
  }

  /** `reclaim` releases what nobody needs any more. It is called before and while watches are closed. */
  onPressure(reclaim: () => void): void {
    this.#reclaim = reclaim;
  }

  /** Adds bytes, or subtracts them if negative. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.usedBytes > this.#maxBytes) this.#checkSoon();
  }

  hold(shared: Shared): void {
    if (isHeldByClosed(shared)) this.#closedBytes -= shared.size;
    shared.holders += 1;
    if (shared.holders === 1) this.add(shared.size);
  }

  release(shared: Shared): void {
    shared.holders -= 1;
    if (shared.holders === 0) this.add(-shared.size);
    else if (isHeldByClosed(shared)) this.#closedBytes += shared.size;
  }

  /** A watch that holds it is closed. */
  holdClosed(shared: Shared, holder: ClosedHolder): void {
    this.#closedHolders.add(holder);
    shared.closedHolders += 1;
    if (isHeldByClosed(shared)) this.#closedBytes += shared.size;
    if (this.#closedBytes > this.#maxClosedBytes) this.#checkSoon();
  }

  /** A closed watch releases it. */
  releaseClosed(shared: Shared, holder: ClosedHolder): void {
    this.#closedHolders.delete(holder);
    if (isHeldByClosed(shared)) this.#closedBytes -= shared.size;
    shared.closedHolders -= 1;
    this.release(shared);
  }

  /** The bytes that count towards the budget. */
  get usedBytes(): number {
    return this.#bytes - this.#closedBytes;
  }

  get #maxClosedBytes(): number {
    return this.#maxBytes * CLOSED_PART;
  }

  /** Later, because a change may be being published. */
  #checkSoon(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    setImmediate(() => this.#check());
  }

  #check(): void {
    this.#isChecking = false;
    this.#reclaim();
    if (this.usedBytes > this.#maxBytes) this.#close();
    for (const holder of this.#closedHolders) {
      if (this.#closedBytes <= this.#maxClosedBytes) break;
      holder.cut();
    }
  }

  #close(): void {
    const bytesBefore = this.#bytes;
    const count = this.#closeLargest();
    if (count > 0) this.#onClosed(count, bytesBefore);
  }

  /** Returns how many watches were closed. */
  #closeLargest(): number {
    const sizes = [...this.#members].map((member) => ({ member, bytes: member.backlogBytes }));
    sizes.sort((a, b) => b.bytes - a.bytes);
    const closedBefore = this.#closed;
    for (const { member, bytes } of sizes) {
      if (this.usedBytes <= this.#maxBytes * LOW_PART || bytes < SMALL_BYTES) break;
      this.#closed += 1;
      member.closeForBacklog();
      this.#reclaim();
    }
    return this.#closed - closedBefore;
  }
}

/** True if only closed watches hold it. */
function isHeldByClosed({ holders, closedHolders }: Shared): boolean {
  return closedHolders > 0 && closedHolders === holders;
}
