import type { ChangeLogEntry } from '../../store/changeLog.js';
import { toUserSnapshot } from '../messages/responses.js';
import type { Follower } from './follower.js';
import type { WatchHub } from './hub.js';
import type { Outgoing } from './outgoing.js';
import type { PublishedChange } from './publishedChange.js';
import type { Resume } from './resume.js';
import { SnapshotProgress } from './snapshotProgress.js';
import { type SnapshotPart, snapshotBytes } from './snapshotReader.js';

/** How many changes may wait for the snapshot of their user. */
const MAX_WAITING_FOR_SNAPSHOT = 10_000;

/** The watch whose snapshot and changes are merged. */
export interface MergingWatch extends Follower {
  add(outgoing: Outgoing): void;
  /** Fails the watch, because `waiting` changes wait for its caller. */
  failSlow(waiting: number): void;
}

/**
 * Merges the snapshot of a watch, or what it missed, with the changes that the hub delivers meanwhile. Each
 * part of the snapshot has a log position: changes behind it are sent, those up to it are known already.
 */
export class SnapshotMerge {
  readonly progress: SnapshotProgress;
  /** Set until the first `synced` of a watch that resumes. */
  resume: Resume | undefined;
  readonly #hub: WatchHub;
  readonly #watch: MergingWatch;
  #isSynced = false;

  /** With `expectsAll` the snapshot is one of everybody. */
  constructor(hub: WatchHub, watch: MergingWatch, expectsAll: boolean) {
    this.progress = new SnapshotProgress(hub.outboxParts.backlog, expectsAll);
    this.#hub = hub;
    this.#watch = watch;
  }

  /** True once the watch was `synced` for the first time. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Sends a change that the hub delivers, or keeps it until the snapshot of its user was sent. */
  deliver(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void {
    // The resume still reads this shard by itself.
    if (this.resume && !this.resume.isLive(shard)) return;
    const key = this.#keyOf(entry.change.userId);
    if (!this.progress.isPending(key)) {
      this.#sendUnlessKnown(shard, entry, publish);
      return;
    }
    this.progress.keep(key, { shard, entry, published: publish() });
    const { count } = this.progress;
    if (count > MAX_WAITING_FOR_SNAPSHOT) this.#watch.failSlow(count);
  }

  /** Sends part of the snapshot, and the changes behind it. Returns the bytes of the snapshot, estimated. */
  addSnapshot({ key, position, users }: SnapshotPart): number {
    let bytes = 0;
    for (const user of users) {
      const size = snapshotBytes(user);
      bytes += size;
      this.#watch.add({ snapshot: toUserSnapshot(user), size });
    }
    this.progress.know(key, position);
    for (const { shard, entry, published } of this.progress.take(key))
      this.#sendUnlessKnown(shard, entry, () => published);
    return bytes;
  }

  /** Sends a change. A revision from which the watch can resume goes with it. */
  send(change: PublishedChange): void {
    this.#watch.add({ change, revision: this.#isSynced || this.resume ? change.revision : '' });
  }

  /** The snapshot, or what was missed, was sent. */
  finish(): void {
    this.#isSynced = true;
    this.resume = undefined;
    this.progress.finish();
  }

  #sendUnlessKnown(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void {
    const { position } = entry;
    // A user who was added during a resume may be known up to a later position than the others.
    if (this.resume?.includes(shard, position)) return;
    if (this.progress.includes(this.#keyOf(entry.change.userId), position)) return;
    if (!this.resume) this.send(publish());
    else this.send(this.#hub.publish(shard, entry, this.resume.advance(shard, position)));
  }

  #keyOf(userId: string): string {
    return this.#watch.userIds ? userId : this.#hub.changeLog.partOf(userId);
  }
}
