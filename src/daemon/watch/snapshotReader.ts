import type { Place, UserAt } from '../../store/ledger.js';
import type { Session } from '../../store/store.js';
import type { WatchHub } from './hub.js';
import { type ReachedPositions, type ReadParts, UnreadParts } from './watchSteps.js';

const USERS_AT_ONCE = 100;
/** A session of a snapshot, and an entry of its metadata, without their texts. Bytes, as measured. */
const SESSION_BYTES = 600;
const METADATA_BYTES = 100;

/** A user, or a part of everybody, as of a log position. */
export interface SnapshotPart {
  /** The id of the user, or the name of the part. */
  key: string;
  shard: number;
  position: Place;
  users: readonly UserAt[];
}

/** The watch that a snapshot is read for. */
export interface SnapshotReceiver {
  readonly userIds: ReadonlySet<string> | undefined;
  readonly serverAddrs: ReadonlySet<string> | undefined;
  readonly isOver: boolean;
  addSnapshot(part: SnapshotPart): void;
  /** Resolves when the caller has read most of what it was sent. */
  calm(): Promise<void>;
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
    for (let i = 0; i < userIds.length && !this.#watch.isOver; i += USERS_AT_ONCE) {
      await this.#watch.calm();
      await this.#readSomeUsers(userIds.slice(i, i + USERS_AT_ONCE), reached, unread);
    }
    return unread;
  };

  /** Reads everybody in some shards, or the sessions of the chat servers there. */
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

  async #readSomeUsers(
    userIds: readonly string[],
    reached: ReachedPositions,
    unread: UnreadParts<string>,
  ): Promise<void> {
    // An update may have removed some meanwhile.
    const watched = userIds.filter((userId) => this.#watch.userIds?.has(userId));
    const found = await Promise.allSettled(watched.map((userId) => this.#readUser(userId)));
    for (const [at, outcome] of found.entries()) {
      const userId = watched[at] as string;
      if (outcome.status === 'rejected') unread.add(userId, outcome.reason);
      else if (this.#watch.userIds?.has(userId)) {
        const { sessions, place } = outcome.value;
        const shard = this.#hub.ledger.shardOf(userId);
        this.#add({ key: userId, shard, position: place, users: [{ userId, sessions }] }, reached);
      }
    }
  }

  async #readUser(userId: string): Promise<{ sessions: Session[]; place: Place }> {
    const { ledger } = this.#hub;
    this.#hub.requireKnown(ledger.shardOf(userId));
    return ledger.readUser(userId);
  }

  async #readShard(shard: number, reached: ReachedPositions): Promise<void> {
    this.#hub.requireKnown(shard);
    const { serverAddrs } = this.#watch;
    const parts = this.#hub.ledger.snapshot(shard, serverAddrs && [...serverAddrs])[Symbol.asyncIterator]();
    const readPart = async (): Promise<boolean> => {
      if (this.#watch.isOver) return false;
      const { value, done } = await parts.next();
      if (done) return false;
      // What is read counts for --max-watch-backlog before the next watch reads.
      this.#add({ key: value.part, shard, position: value.place, users: value.users }, reached);
      return true;
    };
    try {
      while (await this.#hub.snapshotReads.run(shard, readPart)) await this.#watch.calm();
    } finally {
      // Ends what the store holds for it, such as a read transaction.
      await parts.return?.();
    }
  }

  #add(part: SnapshotPart, reached: ReachedPositions): void {
    this.#watch.addSnapshot(part);
    reached.add(part.shard, part.position);
  }
}

/** The memory of a user in a snapshot, about. */
export function snapshotBytes({ userId, sessions }: UserAt): number {
  let bytes = SESSION_BYTES + userId.length;
  for (const { deviceId, sessionId, serverAddr, platform, metadata } of sessions) {
    bytes += SESSION_BYTES + deviceId.length + sessionId.length + serverAddr.length + platform.length;
    for (const [name, value] of Object.entries(metadata))
      bytes += METADATA_BYTES + name.length + value.length;
  }
  return bytes;
}
