import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { ChangeLog, ChangeLogEntry, LogPosition } from '../../store/changeLog.js';
import type { PresenceStore } from '../../store/store.js';
import { WatchCounts } from '../observability/watchCounts.js';
import { AdmittedWatches } from './admittedWatches.js';
import { WatchBacklog } from './backlog.js';
import { ChangeLogReader } from './ChangeLogReader.js';
import { ChangePublisher } from './changePublisher.js';
import { DeliveryQueue } from './deliveryQueue.js';
import { ChangeFeed } from './feed.js';
import type { Follower } from './follower.js';
import { Followers } from './followers.js';
import type { OutboxParts } from './outbox.js';
import { PublishedChange } from './publishedChange.js';
import { ReadTurns } from './readTurns.js';

/** How many pages, and how many users, all watches of a daemon read at once in each shard. */
const MAX_CONCURRENT_PAGES = 4;
const MAX_CONCURRENT_USERS = 100;

/** The limits of the watches of a daemon. */
export interface WatchLimits {
  /** See --max-watches. */
  maxWatches: number;
  /** See --max-watch-backlog. Bytes. */
  maxWatchBacklogBytes: number;
}

/**
 * Reads the change log once for all watches of a daemon, while there are any, and delivers each change to the
 * watches that it concerns.
 */
export class WatchHub {
  readonly counts = new WatchCounts();
  /** What watches share to send their changes. */
  readonly outboxParts: OutboxParts;
  readonly admitted: AdmittedWatches;
  /** Limits how many watches read parts of a snapshot, or pages of changes, at once. */
  readonly pageReads = new ReadTurns(MAX_CONCURRENT_PAGES);
  /** Limits how many watches read users at once. */
  readonly userReads = new ReadTurns(MAX_CONCURRENT_USERS);
  readonly #store: PresenceStore;
  readonly #log: Logger;
  readonly #followers = new Followers();
  #reader: ChangeLogReader | undefined;
  #publisher: ChangePublisher | undefined;
  #closedSlow = 0;

  constructor(store: PresenceStore, log: Logger, { maxWatches, maxWatchBacklogBytes }: WatchLimits) {
    this.#store = store;
    this.#log = log;
    const backlog = new WatchBacklog(maxWatchBacklogBytes, (closed, bytes) =>
      log.warn(
        { closed, bytes },
        'closed the largest watches, which may resume: the backlog of all watches is over --max-watch-backlog',
      ),
    );
    this.admitted = new AdmittedWatches(maxWatches, maxWatchBacklogBytes, backlog);
    const feed = new ChangeFeed(backlog);
    this.outboxParts = { counts: this.counts, backlog, feed, deliveries: new DeliveryQueue() };
  }

  /** How many watches there are. */
  get watchers(): number {
    return this.#followers.size;
  }

  /** How many changes wait until callers read. */
  get waiting(): number {
    let sum = 0;
    for (const { waiting } of this.#followers) sum += waiting ?? 0;
    return sum;
  }

  /** How many watches were closed because their callers read too slowly. */
  get closedSlow(): number {
    return this.#closedSlow;
  }

  /** Bytes that wait until callers read. */
  get backlogBytes(): number {
    return this.outboxParts.backlog.bytes;
  }

  /** How many watches were closed because too much waited for all of them. */
  get closedOverBudget(): number {
    return this.outboxParts.backlog.closed;
  }

  get changeLog(): ChangeLog {
    return this.#store.changeLog();
  }

  /**
   * The log positions up to which changes were delivered, by shard. The latest change may still be on its way
   * to some followers: see {@link catchUp}.
   */
  get positions(): readonly LogPosition[] {
    return this.#reader?.positions.byShard ?? [];
  }

  /** The revision of {@link positions}. */
  get revision(): string {
    return this.#reader?.positions.revision() ?? '';
  }

  /** Delivers changes behind the present {@link positions} to the follower; resolves when that has begun. */
  async join(follower: Follower): Promise<void> {
    this.#followers.add(follower, this.changeLog);
    this.#reader ??= this.#read();
    await this.#reader.started;
  }

  /** Ends what join() began. */
  leave(follower: Follower): void {
    this.#followers.remove(follower);
    if (this.#followers.size === 0) this.#stop();
  }

  /**
   * Delivers what is on its way to the follower, so that {@link revision} covers exactly what it has
   * received.
   */
  catchUp(follower: Follower): void {
    this.#publisher?.catchUp(follower);
  }

  /** The follower follows one more user. */
  addUser(follower: Follower, userId: string): void {
    this.#followers.addUser(follower, userId);
  }

  /** The follower no longer follows a user. */
  removeUser(follower: Follower, userId: string): void {
    this.#followers.removeUser(follower, userId);
  }

  /** The follower, a watch of everything, reads the feed from now on: no change is delivered to it. */
  moveToFeed(follower: Follower): void {
    this.#followers.moveToFeed(follower);
  }

  /**
   * Throws while the log position of the shard is unknown: changes after a read of the shard could be missed.
   */
  requireKnown(shard: number): void {
    if (this.#reader?.positions.isKnown(shard)) return;
    throw new ImstateError('STORE_UNAVAILABLE', `shard ${shard} of the store does not answer: try again`);
  }

  /** A change as watches send it, with the revision behind it. */
  publish(shard: number, entry: ChangeLogEntry, revision: string): PublishedChange {
    return new PublishedChange(entry.change, this.changeLog.changeId(shard, entry), revision);
  }

  /** True while any shard cannot be read. */
  get isLagging(): boolean {
    return this.#reader?.lag.isLagging ?? false;
  }

  /**
   * Since when the follower may lack changes, because a shard that concerns it does not answer; undefined if
   * all do. Milliseconds since 1970.
   */
  laggingSinceMs(follower: Follower): number | undefined {
    const lags = this.#lagsOf(follower).filter((lag) => lag !== undefined);
    return lags.length === 0 ? undefined : Math.min(...lags);
  }

  /** True if no shard that concerns the follower answers. */
  isStalled(follower: Follower): boolean {
    if (!this.isLagging) return false;
    const lags = this.#lagsOf(follower);
    return lags.length > 0 && !lags.includes(undefined);
  }

  /** Notes that a watch is closed because its caller reads too slowly. */
  noteSlow(): void {
    this.#closedSlow += 1;
    this.#log.warn(
      { closed: this.#closedSlow },
      'closed a watch, which may resume: its caller reads too slowly',
    );
  }

  /** Resolves once changes up to the positions, of some shards, were delivered. */
  async reach(positions: ReadonlyMap<number, LogPosition>): Promise<void> {
    await this.#reader?.positions.reach(positions);
  }

  #read(): ChangeLogReader {
    const { feed } = this.outboxParts;
    this.#publisher = new ChangePublisher(this, this.#followers, feed, this.counts);
    return new ChangeLogReader(this.changeLog, this.#log, this.#publisher);
  }

  #stop(): void {
    this.#reader?.stop();
    this.#reader = undefined;
    this.#publisher = undefined;
  }

  /** Ends all watches: no shard can be read. */
  fail(error: ImstateError): void {
    this.#stop();
    for (const follower of [...this.#followers]) follower.fail(error);
  }

  /** Since when each shard lags that concerns the follower; undefined where it does not. */
  #lagsOf(follower: Follower): (number | undefined)[] {
    return [...this.positions.keys()]
      .filter((shard) => this.#followers.isConcerned(follower, shard))
      .map((shard) => this.#reader?.lag.sinceMs(shard));
  }
}
