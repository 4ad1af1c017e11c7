import type { ChangeLogEntry } from '../../store/changeLog.js';
import { concerns, type Follower } from './follower.js';
import type { PublishedChange } from './publishedChange.js';

/** The delivery of one change to very many followers, over several turns of the event loop. */
export class ChangeDelivery {
  readonly #shard: number;
  readonly #entry: ChangeLogEntry;
  readonly #published: PublishedChange;
  readonly #pending: Set<Follower>;

  constructor(shard: number, entry: ChangeLogEntry, published: PublishedChange, followers: Set<Follower>) {
    this.#shard = shard;
    this.#entry = entry;
    this.#published = published;
    this.#pending = followers;
  }

  get isOver(): boolean {
    return this.#pending.size === 0;
  }

  /**
   * Delivers to at least one follower, and then until all have the change or performance.now() reaches
   * `endAt`.
   */
  deliverUntil(endAt: number): void {
    for (const follower of this.#pending) {
      this.deliverTo(follower);
      if (performance.now() >= endAt) return;
    }
  }

  /** Delivers at once to a follower that does not have the change yet. */
  deliverTo(follower: Follower): void {
    // It may have removed the user meanwhile.
    if (!this.#pending.delete(follower) || !concerns(follower, this.#entry)) return;
    follower.deliver(this.#shard, this.#entry, () => this.#published);
  }
}
