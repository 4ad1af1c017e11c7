/** Who has something to deliver. */
export interface Sender {
  /** Sends one message; returns its bytes. */
  deliver(): number;
}

/** How long, and how many bytes, are delivered before calls get their turn. */
const TURN_MS = 2;
const TURN_BYTES = 1024 * 1024;

/**
 * Delivers to the watches of a daemon, one message at a time and each in its turn. Between slices of this work the event loop
 * serves calls; what a watch has to wait goes into fewer and larger messages.
 */
export class DeliveryQueue {
  #senders: Sender[] = [];
  #next = 0;
  #isScheduled = false;

  /** Puts a sender at the end; it must not be in the queue already. */
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

  /** Lets go of those who had their turn, once they are most of the queue. */
  #compact(): void {
    if (2 * this.#next < this.#senders.length) return;
    this.#senders = this.#senders.slice(this.#next);
    this.#next = 0;
  }
}
