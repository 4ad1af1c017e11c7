import type { LogPosition, UserAt } from '../../store/changeLog.js';
import type { WatchHub } from './hub.js';
import { type ReachedPositions, type ReadParts, UnreadParts } from './watchSteps.js';

/** How many users a watch reads at once: few at first, then as many as take about this many bytes. */
const FIRST_USERS_AT_ONCE = 10;
const MAX_USERS_AT_ONCE = 100;
const BYTES_AT_ONCE = 1024 * 1024;
/** A session of a snapshot, and an entry of its metadata, without their strings. Bytes, as measured. */
const SESSION_BYTES = 600;
const METADATA_BYTES = 100;

/** A user, or a part of everybody, at a log position. */
export interface SnapshotPart {
  /** The user ID, or the name of the part. */
  key: string;
  shard: number;
  position: LogPosition;
  users: readonly UserAt[];
}

/** The watch for which a snapshot is read. */
export interface SnapshotReceiver {
  readonly userIds: ReadonlySet<string> | undefined;
  readonly serverAddrs: ReadonlySet<string> | undefined;
  readonly isOver: boolean;
  /** Returns how many bytes it takes until the caller reads it, estimated. */
  addSnapshot(part: SnapshotPart): number;
  /** Resolves when the caller has read most of what it was sent. */
  drained(): Promise<void>;
}

/** Reads the snapshot of a watch, no faster than its caller does. */
export class SnapshotReader {
  readonly #hub: WatchHub;
  readonly #watch: SnapshotReceiver;

  constructor(hub: WatchHub, watch: SnapshotReceiver) {
    this.#hub = hub;
    this.#watch = watch;
  }

  readonly readUsers: ReadParts<string> = async (userIds, reached) => {
    const unread = new UnreadParts<string>();
    let atOnce = FIRST_USERS_AT_ONCE;
    for (let i = 0; i < userIds.length && !this.#watch.isOver; ) {
      await this.#watch.drained();
      const next = userIds.slice(i, i + atOnce);
      const bytes = await this.#readSomeUsers(next, reached, unread);
      i += next.length;
      const mayBe = Math.ceil((BYTES_AT_ONCE * next.length) / (bytes + 1));
      atOnce = Math.min(mayBe, 2 * atOnce, MAX_USERS_AT_ONCE);
    }
    return unread;
  };

  /** Reads everybody in some shards, or the sessions of the watched chat servers there. */
  readonly readShards: ReadParts<number> = async (shards, reached) => {
    const unread = new UnreadParts<number>();
    for (const shard of shards) {
      try {
        await this.#readShard(shard, reached);
      } catch (error) {
        unread.add(shard, error);
      }
      if (this.#watch.isOver) break;
    }
    return unread;
  };

  /** Returns how many bytes were read. */
  async #readSomeUsers(
    userIds: readonly string[],
    reached: ReachedPositions,
    unread: UnreadParts<string>,
  ): Promise<number> {
    const found = await Promise.allSettled(userIds.map((userId) => this.#readUser(userId, reached)));
    let bytes = 0;
    for (const [at, outcome] of found.entries()) {
      if (outcome.status === 'rejected') unread.add(userIds[at] as string, outcome.reason);
      else bytes += outcome.value;
    }
    return bytes;
  }

  /** Reads a user, which counts towards --max-watch-backlog at once. Returns its bytes. */
  #readUser(userId: string, reached: ReachedPositions): Promise<number> {
    const { changeLog, userReads } = this.#hub;
    const shard = changeLog.shardOf(userId);
    return userReads.run(shard, async () => {
      if (!this.#isWatched(userId)) return 0;
      this.#hub.requireKnown(shard);
      const { sessions, position } = await changeLog.readUser(userId);
      if (!this.#isWatched(userId)) return 0;
      return this.#add({ key: userId, shard, position, users: [{ userId, sessions }] }, reached);
    });
  }

  /** False once the watch is over, or an update has removed the user. */
  #isWatched(userId: string): boolean {
    return !this.#watch.isOver && (this.#watch.userIds?.has(userId) ?? false);
  }

  async #readShard(shard: number, reached: ReachedPositions): Promise<void> {
    this.#hub.requireKnown(shard);
    const { serverAddrs } = this.#watch;
    const parts = this.#hub.changeLog
      .snapshot(shard, serverAddrs && [...serverAddrs])
      [Symbol.asyncIterator]();
    const readPart = async (): Promise<boolean> => {
      if (this.#watch.isOver) return false;
      const { value, done } = await parts.next();
      if (done) return false;
      // Counts towards --max-watch-backlog before the next watch reads.
      this.#add({ key: value.part, shard, position: value.position, users: value.users }, reached);
      return true;
    };
    try {
      while (await this.#hub.pageReads.run(shard, readPart)) await this.#watch.drained();
    } finally {
      // Releases what the store holds for the snapshot, such as a read transaction.
      await parts.return?.();
    }
  }

  #add(part: SnapshotPart, reached: ReachedPositions): number {
    reached.add(part.shard, part.position);
    return this.#watch.addSnapshot(part);
  }
}

/** The memory of a user in a snapshot, estimated. Bytes. */
export function snapshotBytes({ userId, sessions }: UserAt): number {
  let bytes = SESSION_BYTES + userId.length;
  for (const { deviceId, sessionId, serverAddr, platform, metadata } of sessions) {
    bytes += SESSION_BYTES + deviceId.length + sessionId.length + serverAddr.length + platform.length;
    for (const [name, value] of Object.entries(metadata))
      bytes += METADATA_BYTES + name.length + value.length;
  }
  return bytes;
}
