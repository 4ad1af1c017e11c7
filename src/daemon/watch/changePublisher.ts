import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ChangeLogEntry } from '../../store/changeLog.js';
import type { WatchCounts } from '../observability/watchCounts.js';
import { ChangeDelivery } from './changeDelivery.js';
import type { ChangeLogListener } from './changeLogListener.js';
import type { ChangeFeed } from './feed.js';
import type { Follower } from './follower.js';
import type { Followers } from './followers.js';
import type { PublishedChange } from './publishedChange.js';

/** A change for more followers than this is delivered in several turns of the event loop. */
const MAX_FOLLOWERS_AT_ONCE = 64;

/** The hub that publishes. */
interface PublishingHub {
  publish(shard: number, entry: ChangeLogEntry, revision: string): PublishedChange;
  /** Ends all watches: no shard can be read. */
  fail(error: ImstateError): void;
}

/** Delivers what a reader of the change log reads to the followers that it concerns. */
export class ChangePublisher implements ChangeLogListener {
  readonly #hub: PublishingHub;
  readonly #followers: Followers;
  readonly #feed: ChangeFeed;
  readonly #counts: WatchCounts;
  /** The latest change that was delivered in several turns. */
  #delivery: ChangeDelivery | undefined;

  constructor(hub: PublishingHub, followers: Followers, feed: ChangeFeed, counts: WatchCounts) {
    this.#hub = hub;
    this.#followers = followers;
    this.#feed = feed;
    this.#counts = counts;
  }

  failed(error: ImstateError): void {
    this.#hub.fail(error);
  }

  deliver(shard: number, entry: ChangeLogEntry, revision: () => string): ChangeDelivery | undefined {
    let published: PublishedChange | undefined;
    const publish = () => {
      published ??= this.#hub.publish(shard, entry, revision());
      return published;
    };
    this.#counts.queued += this.#feed.readers;
    if (this.#feed.readers > 0) this.#feed.append(publish());
    if (this.#followers.countOf(entry.change) <= MAX_FOLLOWERS_AT_ONCE) {
      this.#followers.deliver(shard, entry, publish);
      return undefined;
    }
    // Published now: the positions of other shards may advance meanwhile.
    this.#delivery = new ChangeDelivery(shard, entry, publish(), this.#followers.of(entry.change));
    return this.#delivery;
  }

  pageDelivered(oldestMs: number): void {
    this.#counts.lag.note(Math.max(0, Date.now() - oldestMs));
  }

  polled(): void {
    for (const follower of this.#followers) follower.tick();
  }

  lagChanged(shard: number): void {
    for (const follower of this.#followers.concernedBy(shard)) follower.lagChanged?.();
  }

  changesLost(shard: number, error: ImstateError): void {
    for (const follower of this.#followers.concernedBy(shard)) follower.fail(error);
  }

  /** Delivers at once what is on its way to the follower. */
  catchUp(follower: Follower): void {
    this.#delivery?.deliverTo(follower);
  }
}
