import type { Change, ChangeLog, ChangeLogEntry } from '../../store/changeLog.js';
import type { Follower } from './follower.js';
import { FollowerIndex } from './followerIndex.js';
import type { PublishedChange } from './publishedChange.js';
import { WatchedShards } from './watchedShards.js';

/** The followers of a hub, and which of them a change concerns. */
export class Followers {
  /** With the shards of their users; undefined if all shards concern it. */
  readonly #shards = new Map<Follower, WatchedShards | undefined>();
  readonly #byUser = new FollowerIndex();
  readonly #byServer = new Map<string, Set<Follower>>();
  /** Followers of everything, without those that read the feed. */
  readonly #ofEverything = new Set<Follower>();

  get size(): number {
    return this.#shards.size;
  }

  [Symbol.iterator](): Iterator<Follower> {
    return this.#shards.keys();
  }

  add(follower: Follower, changeLog: ChangeLog): void {
    const { userIds, serverAddrs } = follower;
    this.#shards.set(follower, userIds && new WatchedShards(userIds, changeLog));
    if (!userIds && !serverAddrs) this.#ofEverything.add(follower);
    for (const userId of userIds ?? []) this.#byUser.add(userId, follower);
    for (const serverAddr of serverAddrs ?? []) addTo(this.#byServer, serverAddr, follower);
  }

  remove(follower: Follower): void {
    this.#shards.delete(follower);
    this.#ofEverything.delete(follower);
    for (const userId of follower.userIds ?? []) this.#byUser.remove(userId, follower);
    for (const serverAddr of follower.serverAddrs ?? []) removeFrom(this.#byServer, serverAddr, follower);
  }

  addUser(follower: Follower, userId: string): void {
    if (this.#byUser.has(userId, follower)) return;
    this.#byUser.add(userId, follower);
    this.#shards.get(follower)?.add(userId);
  }

  removeUser(follower: Follower, userId: string): void {
    if (!this.#byUser.has(userId, follower)) return;
    this.#byUser.remove(userId, follower);
    this.#shards.get(follower)?.remove(userId);
  }

  /** No change is delivered to this follower of everything from now on: it reads the feed. */
  moveToFeed(follower: Follower): void {
    this.#ofEverything.delete(follower);
  }

  /** True if the shard holds users of the follower, or it follows no users. */
  isConcerned(follower: Follower, shard: number): boolean {
    const shards = this.#shards.get(follower);
    return shards === undefined || shards.has(shard);
  }

  /** The followers that a shard concerns. */
  concernedBy(shard: number): Follower[] {
    return [...this.#shards.keys()].filter((follower) => this.isConcerned(follower, shard));
  }

  /** To how many followers a change is delivered. One that follows both its chat servers counts twice. */
  countOf(change: Change): number {
    const before = this.#ofPreviousServer(change)?.size ?? 0;
    const now = this.#ofCurrentServer(change)?.size ?? 0;
    return this.#ofEverything.size + this.#byUser.count(change.userId) + before + now;
  }

  /** The followers to which a change is delivered. */
  of(change: Change): Set<Follower> {
    const followers = new Set(this.#ofEverything);
    for (const follower of this.#ofPreviousServer(change) ?? []) followers.add(follower);
    for (const follower of this.#ofCurrentServer(change) ?? []) followers.add(follower);
    this.#byUser.forEach(change.userId, (follower) => followers.add(follower));
    return followers;
  }

  /**
   * Delivers a change to each of its followers once. `publish` makes what they send, once for all of them.
   */
  deliver(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void {
    const { change } = entry;
    for (const follower of this.#ofEverything) follower.deliver(shard, entry, publish);
    this.#byUser.forEach(change.userId, (follower) => follower.deliver(shard, entry, publish));
    const before = this.#ofPreviousServer(change);
    if (before) for (const follower of before) follower.deliver(shard, entry, publish);
    const now = this.#ofCurrentServer(change);
    if (!now || now === before) return;
    // A follower of both chat servers has received it.
    const others = before ? [...now].filter((follower) => !before.has(follower)) : now;
    for (const follower of others) follower.deliver(shard, entry, publish);
  }

  #ofPreviousServer({ ended }: Change): ReadonlySet<Follower> | undefined {
    return ended && this.#byServer.get(ended.serverAddr);
  }

  #ofCurrentServer({ began }: Change): ReadonlySet<Follower> | undefined {
    return began && this.#byServer.get(began.serverAddr);
  }
}

function addTo(index: Map<string, Set<Follower>>, key: string, follower: Follower): void {
  const followers = index.get(key);
  if (followers) followers.add(follower);
  else index.set(key, new Set([follower]));
}

function removeFrom(index: Map<string, Set<Follower>>, key: string, follower: Follower): void {
  const followers = index.get(key);
  followers?.delete(follower);
  if (followers?.size === 0) index.delete(key);
}
