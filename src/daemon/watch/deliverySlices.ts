import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChangeDelivery } from './changeDelivery.js';

/** How long changes are delivered before calls get their turn. Milliseconds. */
const SLICE_MS = 2;

/** Divides the delivery of changes, those of all shards together, into slices with calls in between. */
export class DeliverySlices {
  /** The time that deliveries took in this turn of the event loop. Milliseconds. */
  #spentMs = 0;
  /** True while one change is delivered to very many followers. */
  #isOccupied = false;
  /** Resolves in the next turn of the event loop; set while somebody waits for it. */
  #turn: Promise<void> | undefined;

  /** False while the next change has to wait: see {@link nextTurn}. */
  get hasTime(): boolean {
    return this.#spentMs < SLICE_MS && !this.#isOccupied;
  }

  /** Lets calls have their turn, once for all shards. */
  nextTurn(): Promise<void> {
    this.#turn ??= nextTurn().then(() => {
      this.#turn = undefined;
      this.#spentMs = 0;
    });
    return this.#turn;
  }

  /** Counts the time since `startedAt`, a time of performance.now(). */
  spendSince(startedAt: number): void {
    this.#spentMs += performance.now() - startedAt;
  }

  /** Finishes a delivery over several slices, in which no other change is delivered. */
  async finish(delivery: ChangeDelivery, isOver: () => boolean): Promise<void> {
    this.#isOccupied = true;
    try {
      while (!delivery.isOver) {
        while (this.#spentMs >= SLICE_MS) await this.nextTurn();
        if (isOver()) return;
        const startedAt = performance.now();
        delivery.deliverUntil(startedAt + SLICE_MS - this.#spentMs);
        this.spendSince(startedAt);
      }
    } finally {
      this.#isOccupied = false;
    }
  }
}
