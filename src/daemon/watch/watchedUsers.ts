import { broken } from '../../presence/validate.js';
import { MAX_WATCHED_USERS } from '../messages/watchTarget.js';
import { type AdmittedShare, namesBytes, weightOf } from './admittedWatches.js';
import type { Follower } from './follower.js';
import type { WatchHub } from './hub.js';
import type { SnapshotProgress } from './snapshotProgress.js';

/** Adds users to an open watch, and removes some. */
export class WatchedUsers {
  readonly #hub: WatchHub;
  readonly #watch: Follower;
  readonly #userIds: Set<string>;
  readonly #share: AdmittedShare;
  readonly #snapshots: SnapshotProgress;

  /** `userIds` are the users of the watch. */
  constructor(
    hub: WatchHub,
    watch: Follower,
    userIds: Set<string>,
    share: AdmittedShare,
    snapshots: SnapshotProgress,
  ) {
    this.#hub = hub;
    this.#watch = watch;
    this.#userIds = userIds;
    this.#share = share;
    this.#snapshots = snapshots;
  }

  remove(userIds: readonly string[]): void {
    for (const userId of userIds) {
      if (!this.#userIds.delete(userId)) continue;
      this.#snapshots.remove(userId);
      this.#hub.removeUser(this.#watch, userId);
      this.#share.resize(this.#share.weight, -namesBytes([userId]));
    }
  }

  /** Returns the users that were not watched before. With `initialState` a snapshot of them is to be read. */
  add(userIds: readonly string[], initialState: boolean): ReadonlySet<string> {
    const watched = this.#userIds;
    const added = new Set(userIds.filter((userId) => !watched.has(userId)));
    const size = watched.size + added.size;
    if (size > MAX_WATCHED_USERS) {
      throw broken('add_user_ids', `must leave at most ${MAX_WATCHED_USERS} users: open another watch`);
    }
    this.#share.resize(weightOf({ userIds: { size }, serverAddrs: undefined }), namesBytes(added));
    for (const userId of added) this.#add(userId, initialState);
    return added;
  }

  #add(userId: string, initialState: boolean): void {
    this.#userIds.add(userId);
    if (initialState) this.#snapshots.expect(userId);
    else this.#snapshots.know(userId, this.#hub.positions[this.#hub.changeLog.shardOf(userId)]);
    this.#hub.addUser(this.#watch, userId);
  }
}
