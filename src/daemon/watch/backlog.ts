/** What several watches may hold at the same time: it counts once, for as long as one of them does. */
export interface Shared {
  /** Bytes of memory, about. */
  readonly size: number;
  /** How many hold it; {@link WatchBacklog} counts. */
  holders: number;
  /** How many of these are closed, and let go of it as soon as the network has taken it, or after a while; counted likewise. */
  closedHolders: number;
}

/** A watch, as far as the backlog is concerned. */
export interface BacklogMember {
  /** Bytes that wait until its caller reads. */
  readonly backlogBytes: number;
  /** Closes it. It gives back what the network was not given; the rest is for {@link WatchBacklog.holdClosed}. */
  closeForBacklog(): void;
}

/** A closed watch of which the network has a message still. */
export interface ClosedHolder {
  /** Resets its stream, so that the message is dropped, and lets go of that. */
  cut(): void;
}

/** Watches are closed until this part of the budget is in use: otherwise each further change would close another. */
const LOW_PART = 0.9;
/**
 * What only closed watches hold does not count towards the budget: closing further ones would free nothing sooner. It may be so large
 * a part of the budget; beyond that, streams of closed watches are reset, which their callers get no status for.
 */
const CLOSED_PART = 0.5;
/** A watch that holds less is no cause of a large backlog: its caller reads. */
const SMALL_BYTES = 4_096;

/** The bytes that all watches of a daemon hold until their callers read. Beyond the budget it closes the largest first. */
export class WatchBacklog {
  readonly #maxBytes: number;
  readonly #onClosed: (count: number, bytes: number) => void;
  readonly #members = new Set<BacklogMember>();
  /** Those that were closed first come first. */
  readonly #closedHolders = new Set<ClosedHolder>();
  #bytes = 0;
  /** The part of them that only closed watches hold. */
  #closedBytes = 0;
  #closed = 0;
  #isChecking = false;
  #reclaim = (): void => {};

  /** `onClosed` hears how many watches were closed at once, and how many bytes waited before. */
  constructor(maxBytes: number, onClosed: (count: number, bytes: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onClosed = onClosed;
  }

  /** All bytes in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many watches were closed for the budget. */
  get closed(): number {
    return this.#closed;
  }

  join(member: BacklogMember): void {
    this.#members.add(member);
  }

  leave(member: BacklogMember): void {
    this.#members.delete(member);
  }

  /** `reclaim` gives back what is kept for nobody any more; called before and while watches are closed. */
  onPressure(reclaim: () => void): void {
    this.#reclaim = reclaim;
  }

  /** Counts so many bytes more, or fewer. */
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

  /** One that holds it is closed. */
  holdClosed(shared: Shared, holder: ClosedHolder): void {
    this.#closedHolders.add(holder);
    shared.closedHolders += 1;
    if (isHeldByClosed(shared)) this.#closedBytes += shared.size;
    if (this.#closedBytes > this.#maxClosedBytes) this.#checkSoon();
  }

  /** A closed one lets go of it. */
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

  /** Not amid the publishing of a change. */
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

  /** Returns how many it has closed. */
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

/** True if closed ones hold it, and no others. */
function isHeldByClosed({ holders, closedHolders }: Shared): boolean {
  return closedHolders > 0 && closedHolders === holders;
}
