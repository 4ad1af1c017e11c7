/** What several watches may hold at the same time: it counts once, for as long as one of them does. */
export interface Shared {
  /** Bytes of memory, about. */
  readonly size: number;
  /** How many hold it; {@link WatchBacklog} counts. */
  holders: number;
}

/** A watch, as far as the backlog is concerned. */
export interface BacklogMember {
  /** Bytes that wait until its caller reads. */
  readonly backlogBytes: number;
  /** Closes it, which gives most of them back. */
  closeForBacklog(): void;
}

/** Watches are closed until this part of the budget is in use: otherwise each further change would close another. */
const LOW_PART = 0.9;
/** A watch that holds less is no cause of a large backlog: its caller reads. */
const SMALL_BYTES = 4_096;

/** The bytes that all watches of a daemon hold until their callers read. Beyond the budget it closes the largest first. */
export class WatchBacklog {
  readonly #maxBytes: number;
  readonly #onClosed: (count: number, bytes: number) => void;
  readonly #members = new Set<BacklogMember>();
  #bytes = 0;
  #closed = 0;
  #isChecking = false;
  #reclaim = (): void => {};

  /** `onClosed` hears how many watches were closed at once, and how many bytes waited before. */
  constructor(maxBytes: number, onClosed: (count: number, bytes: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onClosed = onClosed;
  }

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
    if (this.#bytes <= this.#maxBytes || this.#isChecking) return;
    this.#isChecking = true;
    // Not amid the publishing of a change.
    setImmediate(() => this.#check());
  }

  hold(shared: Shared): void {
    shared.holders += 1;
    if (shared.holders === 1) this.add(shared.size);
  }

  release(shared: Shared): void {
    shared.holders -= 1;
    if (shared.holders === 0) this.add(-shared.size);
  }

  #check(): void {
    this.#isChecking = false;
    this.#reclaim();
    if (this.#bytes <= this.#maxBytes) return;
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
      if (this.#bytes <= this.#maxBytes * LOW_PART || bytes < SMALL_BYTES) break;
      this.#closed += 1;
      member.closeForBacklog();
      this.#reclaim();
    }
    return this.#closed - closedBefore;
  }
}
