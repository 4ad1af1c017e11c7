import type { PendingOperation } from './pendingOperation.js';

/** Maximum operations of a batch: a daemon accepts 1,000, and answers a smaller batch sooner. */
const MAX_OPERATIONS = 500;
/** Maximum bytes of a batch: a daemon accepts 1 MiB. */
const MAX_BYTES = 512 * 1024;

/** The operations that wait to be sent, in order. */
export class OperationQueue {
  #waiting: PendingOperation[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(pending: PendingOperation): void {
    this.#waiting.push(pending);
  }

  /** Adds operations before all others. */
  addFirst(operations: readonly PendingOperation[]): void {
    this.#waiting = [...operations, ...this.#waiting];
  }

  /** Removes and returns the next batch, without operations that were cancelled; it may be empty. */
  takeBatch(): PendingOperation[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ request }, i) => {
      bytes += request.length;
      return i === MAX_OPERATIONS || bytes > MAX_BYTES;
    });
    const batch = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
    return batch.filter(({ isSettled }) => !isSettled);
  }

  rejectAll(error: unknown): void {
    for (const pending of this.#waiting.splice(0)) pending.reject(error);
  }
}
