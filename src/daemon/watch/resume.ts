import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type ChangeLog, isBehind, type LogPosition } from '../../store/changeLog.js';
import { concerns, type Follower } from './follower.js';
import type { WatchHub } from './hub.js';
import type { PublishedChange } from './publishedChange.js';
import { formatRevision } from './revision.js';
import { type ReadParts, UnreadParts } from './watchSteps.js';

const READ_AT_ONCE = 256;

/**
 * The log positions before all changes since a time, by shard. Rejects with OUT_OF_RANGE if changes since then may be
 * gone.
 */
export async function positionsAt(changeLog: ChangeLog, timeMs: number): Promise<LogPosition[]> {
  const positions = await Promise.all(
    Array.from({ length: changeLog.shards }, (_, shard) => changeLog.positionBefore(shard, timeMs)),
  );
  const known = positions.filter((position) => position !== undefined);
  if (known.length === positions.length) return known;
  throw new ImstateError(
    'OUT_OF_RANGE',
    'the changes since this time are no longer kept: start at a later one',
    {
      field: 'resume_time',
    },
  );
}

/** The watch that resumes. */
export interface ResumingWatch extends Follower {
  readonly isOver: boolean;
  send(change: PublishedChange): void;
  /** Resolves when the caller has read most of what it was sent. */
  drained(): Promise<void>;
}

/** Reads what a watch has missed since a revision, shard by shard, until the hub delivers what follows. */
export class Resume {
  readonly #hub: WatchHub;
  readonly #watch: ResumingWatch;
  /** The log position of each shard up to which changes were sent. */
  readonly #positions: LogPosition[];
  /** The shards whose changes come from the hub. */
  readonly #liveShards = new Set<number>();

  constructor(hub: WatchHub, watch: ResumingWatch, positions: LogPosition[]) {
    this.#hub = hub;
    this.#watch = watch;
    this.#positions = positions;
  }

  /** False while the changes of the shard are read here. */
  isLive(shard: number): boolean {
    return this.#liveShards.has(shard);
  }

  /** True if the changes of the shard up to the position were sent. */
  includes(shard: number, position: LogPosition): boolean {
    const reached = this.#positions[shard];
    return reached !== undefined && !isBehind(reached, position);
  }

  /** The changes of the shard are sent up to a position. Returns the revision of that position. */
  advance(shard: number, position: LogPosition): string {
    this.#positions[shard] = position;
    return formatRevision(this.#positions);
  }

  /** The shards to read. Those without users of the watch continue from the position of the hub. */
  async begin(): Promise<number[]> {
    const { changeLog, positions } = this.#hub;
    if (this.#positions.length !== changeLog.shards) throw await this.#gone();
    const { userIds } = this.#watch;
    const concerned = userIds && new Set([...userIds].map((userId) => changeLog.shardOf(userId)));
    const shards: number[] = [];
    for (const shard of this.#positions.keys()) {
      if (!concerned || concerned.has(shard)) {
        shards.push(shard);
        continue;
      }
      this.#positions[shard] = positions[shard] as LogPosition;
      this.#liveShards.add(shard);
    }
    return shards;
  }

  readonly read: ReadParts<number> = async (shards, reached) => {
    const unread = new UnreadParts<number>();
    for (const shard of shards) {
      try {
        this.#hub.requireKnown(shard);
        await this.#readShard(shard);
        if (this.#watch.isOver) break;
        reached.add(shard, this.#positions[shard] as LogPosition);
      } catch (error) {
        unread.add(shard, error);
      }
    }
    return unread;
  };

  /** Reads until it has caught up with the hub, unless the watch ends. */
  async #readShard(shard: number): Promise<void> {
    while (!this.#liveShards.has(shard) && !this.#watch.isOver) {
      await this.#watch.drained();
      await this.#hub.pageReads.run(shard, () => this.#readPage(shard));
    }
  }

  /** Reads changes, which count towards --max-watch-backlog before the next watch reads. */
  async #readPage(shard: number): Promise<void> {
    if (this.#watch.isOver) return;
    const found = await this.#hub.changeLog.read(shard, this.#positions[shard] as LogPosition, READ_AT_ONCE);
    if (found === undefined) throw await this.#gone();
    if (this.#watch.isOver) return;
    for (const entry of found.entries) {
      this.#positions[shard] = entry.position;
      if (!concerns(this.#watch, entry)) continue;
      this.#watch.send(this.#hub.publish(shard, entry, formatRevision(this.#positions)));
    }
    this.#positions[shard] = found.upTo;
    const isWithHub = !isBehind(found.upTo, this.#hub.positions[shard] as LogPosition);
    // In this turn of the event loop: from now on the hub delivers the changes of the shard.
    if (isWithHub && found.entries.length < READ_AT_ONCE) this.#liveShards.add(shard);
  }

  async #gone(): Promise<ImstateError> {
    const oldest = await Promise.all(
      Array.from({ length: this.#hub.changeLog.shards }, (_, shard) => this.#oldestOf(shard)),
    );
    return new ImstateError(
      'OUT_OF_RANGE',
      'the changes since this revision are no longer kept: start again with a snapshot; ' +
        `the oldest revision is ${formatRevision(oldest)}`,
      { field: 'resume_revision' },
    );
  }

  async #oldestOf(shard: number): Promise<LogPosition> {
    try {
      return (await this.#hub.changeLog.ends(shard)).oldest;
    } catch {
      return this.#hub.positions[shard] ?? [0, 0];
    }
  }
}
