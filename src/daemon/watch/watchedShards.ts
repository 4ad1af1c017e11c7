import type { ChangeLog } from '../../store/changeLog.js';

/** The shards that hold the users of a watch. */
export class WatchedShards {
  readonly #changeLog: ChangeLog;
  /** How many of the users are in each shard. */
  readonly #users: Uint16Array;

  constructor(userIds: Iterable<string>, changeLog: ChangeLog) {
    this.#changeLog = changeLog;
    this.#users = new Uint16Array(changeLog.shards);
    for (const userId of userIds) this.add(userId);
  }

  add(userId: string): void {
    const shard = this.#changeLog.shardOf(userId);
    this.#users[shard] = (this.#users[shard] ?? 0) + 1;
  }

  remove(userId: string): void {
    const shard = this.#changeLog.shardOf(userId);
    this.#users[shard] = (this.#users[shard] ?? 1) - 1;
  }

  has(shard: number): boolean {
    return (this.#users[shard] ?? 0) > 0;
  }
}
