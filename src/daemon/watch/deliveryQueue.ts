/** Has messages to deliver. */
export interface Sender {
  /** Sends one message; returns its bytes. */
  deliver(): number;
}

/** How long, and how many bytes, are delivered before calls get their turn. */
const TURN_MS = 2;
const TURN_BYTES = 1024 * 1024;

/**
 * Delivers to the watches of a daemon in turns, one message at a time. The event loop serves calls between
 * slices of this work. The longer a watch waits, the more changes share a message.
 */
export class DeliveryQueue {
  #senders: Sender[] = [];
  #next = 0;
  #isScheduled = false;

  /** Adds a sender at the end. It must not be in the queue already. */
  push(sender: Sender): void {
    this.#senders.push(sender);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    const endAt = performance.now() + TURN_MS;
    let bytes = 0;
    do bytes += (this.#senders[this.#next++] as Sender).deliver();
    while (this.#next < this.#senders.length && bytes < TURN_BYTES && performance.now() < endAt);
    if (this.#next === this.#senders.length) {
      this.#senders = [];
      this.#next = 0;
      this.#isScheduled = false;
      return;
    }
    this.#compact();
    setImmediate(() => this.#deliver());
  }

  /** Drops those that had their turn, once they are most of the queue. */
  #compact(): void {
    if (2 * this.#next < this.#senders.length) return;
    this.#senders = this.#senders.slice(this.#next);
    this.#next = 0;
  }
}
