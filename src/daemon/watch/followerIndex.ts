import type { Follower } from './follower.js';

/**
 * The followers of each user. Most users have one: a Set for each would take more memory than everything
 * else.
 */
export class FollowerIndex {
  readonly #followers = new Map<string, Follower | Set<Follower>>();

  add(userId: string, follower: Follower): void {
    const found = this.#followers.get(userId);
    if (found === undefined) this.#followers.set(userId, follower);
    else if (found instanceof Set) found.add(follower);
    else if (found !== follower) this.#followers.set(userId, new Set([found, follower]));
  }

  remove(userId: string, follower: Follower): void {
    const found = this.#followers.get(userId);
    if (found instanceof Set) {
      found.delete(follower);
      if (found.size === 0) this.#followers.delete(userId);
    } else if (found === follower) this.#followers.delete(userId);
  }

  has(userId: string, follower: Follower): boolean {
    const found = this.#followers.get(userId);
    return found instanceof Set ? found.has(follower) : found === follower;
  }

  /** How many followers a user has. */
  count(userId: string): number {
    const found = this.#followers.get(userId);
    if (found instanceof Set) return found.size;
    return found === undefined ? 0 : 1;
  }

  /** Calls `visit` with each follower of a user. */
  forEach(userId: string, visit: (follower: Follower) => void): void {
    const found = this.#followers.get(userId);
    if (found instanceof Set) found.forEach(visit);
    else if (found !== undefined) visit(found);
  }
}
