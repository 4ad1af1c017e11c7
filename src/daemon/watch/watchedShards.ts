/** The shards that hold the users of a watch. */
export class WatchedShards {
  readonly #shardOf: (userId: string) => number;
  /** How many of the users are in each shard. */
  readonly #users: Uint16Array;

  constructor(userIds: Iterable<string>, shards: number, shardOf: (userId: string) => number) {
    this.#shardOf = shardOf;
    this.#users = new Uint16Array(shards);
    for (const userId of userIds) this.add(userId);
  }

  add(userId: string): void {
    const shard = this.#shardOf(userId);
    this.#users[shard] = (this.#users[shard] ?? 0) + 1;
  }

  remove(userId: string): void {
    const shard = this.#shardOf(userId);
    this.#users[shard] = (this.#users[shard] ?? 1) - 1;
  }

  has(shard: number): boolean {
    return (this.#users[shard] ?? 0) > 0;
  }
}
