import type { ChangeLogEntry } from '../../store/changeLog.js';
import { concerns, type Follower } from './follower.js';
import type { PublishedChange } from './publishedChange.js';

/** A change on its way to very many followers, which takes several turns of the event loop. */
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

  /** Delivers until all followers have the change, or it is that late by performance.now(). To one of them at least. */
  deliverUntil(endAt: number): void {
    for (const follower of this.#pending) {
      this.deliverTo(follower);
      if (performance.now() >= endAt) return;
    }
  }

  /** Delivers to a follower at once, if it is still to get the change. */
  deliverTo(follower: Follower): void {
    // Meanwhile it may have removed the user.
    if (!this.#pending.delete(follower) || !concerns(follower, this.#entry)) return;
    follower.deliver(this.#shard, this.#entry, () => this.#published);
  }
}
