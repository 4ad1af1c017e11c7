import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { ChangeLog, ChangeLogEntry, LogPosition } from '../../store/changeLog.js';
import type { PresenceStore } from '../../store/store.js';
import { WatchCounts } from '../observability/watchCounts.js';
import { AdmittedWatches } from './admittedWatches.js';
import { WatchBacklog } from './backlog.js';
import { ChangeLogReader } from './ChangeLogReader.js';
import { ChangeDelivery } from './changeDelivery.js';
import { DeliveryQueue } from './delivery.js';
import { ChangeFeed } from './feed.js';
import type { Follower } from './follower.js';
import { FollowerIndex } from './followerIndex.js';
import type { OutboxParts } from './outbox.js';
import { PublishedChange } from './publishedChange.js';
import { ReadTurns } from './readTurns.js';
import { WatchedShards } from './watchedShards.js';

/** How much of a shard all watches of a daemon read at once. */
const PAGES_AT_ONCE = 4;
const USERS_AT_ONCE = 100;

/** The limits of the watches of a daemon. */
export interface WatchLimits {
  /** See --max-watches. */
  maxWatches: number;
  /** See --max-watch-backlog. Bytes. */
  maxWatchBacklogBytes: number;
}

/** A change for more followers than this is delivered in turns of the event loop. */
const MAX_FOLLOWERS_AT_ONCE = 64;

/** Reads the change log once for all watches of a daemon, while there are any, and tells each what concerns it. */
export class WatchHub {
  readonly counts = new WatchCounts();
  /** What watches share to send their changes. */
  readonly outboxParts: OutboxParts;
  readonly admitted: AdmittedWatches;
  readonly #store: PresenceStore;
  readonly #log: Logger;
  /** With the shards of their users; undefined if all shards concern it. */
  readonly #followers = new Map<Follower, WatchedShards | undefined>();
  readonly #byUser = new FollowerIndex();
  readonly #byServer = new Map<string, Set<Follower>>();
  readonly #wide = new Set<Follower>();
  #run: ChangeLogReader | undefined;
  /** The last change that was delivered in turns, if it still is. */
  #delivery: ChangeDelivery | undefined;
  #slow = 0;

  /** Turns of the watches that read parts of a snapshot, or pages of changes. */
  readonly pageReads = new ReadTurns(PAGES_AT_ONCE);
  /** Turns of the watches that read users. */
  readonly userReads = new ReadTurns(USERS_AT_ONCE);

  constructor(store: PresenceStore, log: Logger, { maxWatches, maxWatchBacklogBytes }: WatchLimits) {
    this.#store = store;
    this.#log = log;
    const backlog = new WatchBacklog(maxWatchBacklogBytes, (closed, bytes) =>
      log.warn(
        { closed, bytes },
        'watches closed: the backlog of all watches is over --max-watch-backlog; the largest are closed first, and may resume',
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
    for (const { waiting } of this.#followers.keys()) sum += waiting ?? 0;
    return sum;
  }

  /** How many watches were closed because their callers read too slowly. */
  get closedSlow(): number {
    return this.#slow;
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
   * The log positions up to which changes were delivered, by shard. The last change may still be on its way to some followers: see
   * {@link catchUp}.
   */
  get places(): readonly LogPosition[] {
    return this.#run?.places ?? [];
  }

  /** The revision of {@link places}. */
  get revision(): string {
    return this.#run?.revision() ?? '';
  }

  /** Tells the follower of what happens from the present {@link places} on; resolves when that has begun. */
  async join(follower: Follower): Promise<void> {
    const { userIds, serverAddrs } = follower;
    const { changeLog } = this;
    const shardOf = (userId: string) => changeLog.shardOf(userId);
    this.#followers.set(follower, userIds && new WatchedShards(userIds, changeLog.shards, shardOf));
    if (!userIds && !serverAddrs) this.#wide.add(follower);
    for (const userId of userIds ?? []) this.#byUser.add(userId, follower);
    for (const serverAddr of serverAddrs ?? []) add(this.#byServer, serverAddr, follower);
    this.#run ??= new ChangeLogReader(this.changeLog, this.#log, {
      told: (shard, entry, revision) => this.#deliver(shard, entry, revision),
      toldSince: (timeMs) => this.counts.lag.note(Math.max(0, Date.now() - timeMs)),
      looked: () => {
        for (const each of this.#followers.keys()) each.tick();
      },
      lagChanged: (shard) => {
        for (const each of this.#concernedBy(shard)) each.lagChanged?.();
      },
      lost: (shard, error) => {
        for (const each of this.#concernedBy(shard)) each.fail(error);
      },
      failed: (error) => this.#failAll(error),
    });
    await this.#run.started;
  }

  /** Ends what join() began. */
  leave(follower: Follower): void {
    this.#followers.delete(follower);
    this.#wide.delete(follower);
    for (const userId of follower.userIds ?? []) this.#byUser.remove(userId, follower);
    for (const serverAddr of follower.serverAddrs ?? []) remove(this.#byServer, serverAddr, follower);
    if (this.#followers.size > 0) return;
    this.#run?.stop();
    this.#run = undefined;
    this.#delivery = undefined;
  }

  /** Delivers what is on its way to the follower, so that {@link revision} covers what it has and nothing else. */
  catchUp(follower: Follower): void {
    this.#delivery?.deliverTo(follower);
  }

  /** The follower wants to hear of one more user. */
  addUser(follower: Follower, userId: string): void {
    if (this.#byUser.has(userId, follower)) return;
    this.#byUser.add(userId, follower);
    this.#followers.get(follower)?.add(userId);
  }

  /** The follower wants to hear of a user no longer. */
  removeUser(follower: Follower, userId: string): void {
    if (!this.#byUser.has(userId, follower)) return;
    this.#byUser.remove(userId, follower);
    this.#followers.get(follower)?.remove(userId);
  }

  /** Throws while the log position of the shard is not known: what is read of the shard then may lack changes later. */
  requireKnown(shard: number): void {
    if (this.#run?.isKnown(shard)) return;
    throw new ImstateError('STORE_UNAVAILABLE', `shard ${shard} of the store does not answer: try again`);
  }

  /** True while any shard cannot be read. */
  get isLagging(): boolean {
    return this.#run?.isLagging ?? false;
  }

  /** Since when the follower may lack changes, because a shard that concerns it does not answer. Milliseconds since 1970. */
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

  /** The follower, a watch of everything, reads the feed from now on: nothing is offered to it. */
  passByFeed(follower: Follower): void {
    this.#wide.delete(follower);
  }

  /** Notes that a watch is closed because its caller reads too slowly. */
  noteSlow(): void {
    this.#slow += 1;
    this.#log.warn({ closed: this.#slow }, 'a watch is closed: its caller reads too slowly, and may resume');
  }

  /** Resolves once followers have been told of everything up to the places, of which there is one a shard at most. */
  async reach(places: ReadonlyMap<number, LogPosition>): Promise<void> {
    await this.#run?.reach(places);
  }

  /** Returns what is left to deliver, if these are very many followers. */
  #deliver(shard: number, entry: ChangeLogEntry, revision: () => string): ChangeDelivery | undefined {
    let published: PublishedChange | undefined;
    const publish = () => {
      published ??= new PublishedChange(entry.change, revision());
      return published;
    };
    const { userId, began, ended } = entry.change;
    const { feed } = this.outboxParts;
    this.counts.offered += feed.readers;
    if (feed.readers > 0) feed.append(publish());
    const before = ended && this.#byServer.get(ended.serverAddr);
    const now = began && this.#byServer.get(began.serverAddr);
    const count = this.#wide.size + this.#byUser.count(userId) + (before?.size ?? 0) + (now?.size ?? 0);
    if (count > MAX_FOLLOWERS_AT_ONCE) {
      const followers = new Set([...this.#wide, ...(before ?? []), ...(now ?? [])]);
      this.#byUser.forEach(userId, (follower) => followers.add(follower));
      // Published now: other log positions may move meanwhile.
      this.#delivery = new ChangeDelivery(shard, entry, publish(), followers);
      return this.#delivery;
    }
    offer(this.#wide, shard, entry, publish);
    this.#byUser.forEach(userId, (follower) => follower.offer(shard, entry, publish));
    offer(before, shard, entry, publish);
    // A watch of both is told once.
    if (now !== before) offer(before && now ? without(now, before) : now, shard, entry, publish);
    return undefined;
  }

  #failAll(error: ImstateError): void {
    this.#run?.stop();
    this.#run = undefined;
    for (const follower of [...this.#followers.keys()]) follower.fail(error);
  }

  /** Since when each shard lags that concerns the follower; undefined where it does not. */
  #lagsOf(follower: Follower): (number | undefined)[] {
    const shards = this.#followers.get(follower);
    return [...this.places.keys()]
      .filter((shard) => shards === undefined || shards.has(shard))
      .map((shard) => this.#run?.laggingSinceMs(shard));
  }

  #concernedBy(shard: number): Follower[] {
    return [...this.#followers].flatMap(([follower, shards]) =>
      shards === undefined || shards.has(shard) ? [follower] : [],
    );
  }
}

function offer(
  followers: Iterable<Follower> | undefined,
  shard: number,
  entry: ChangeLogEntry,
  publish: () => PublishedChange,
): void {
  if (followers) for (const follower of followers) follower.offer(shard, entry, publish);
}

function without(followers: ReadonlySet<Follower>, others: ReadonlySet<Follower>): Follower[] {
  return [...followers].filter((each) => !others.has(each));
}

function add(index: Map<string, Set<Follower>>, key: string, follower: Follower): void {
  const followers = index.get(key);
  if (followers) followers.add(follower);
  else index.set(key, new Set([follower]));
}

function remove(index: Map<string, Set<Follower>>, key: string, follower: Follower): void {
  const followers = index.get(key);
  followers?.delete(follower);
  if (followers?.size === 0) index.delete(key);
}
