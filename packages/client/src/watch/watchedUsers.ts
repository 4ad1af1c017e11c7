import type { WatchUpdate } from '../generated/imstate/v1/WatchUpdate.js';
import { ImstateError } from '../shared/errors.js';

const MAX_USERS = 10_000;
/** The limit of a request is 1 MiB; a resume names all users in one request. */
const MAX_BYTES = 900 * 1024;
/** Maximum bytes of an ID in a request beside its text. */
const EXTRA_BYTES = 3;
const MAX_PER_UPDATE = 1_000;

/**
 * The users of a watch, and which of them the reader knows completely. After a break those are resumed; the
 * others are added again, with a snapshot.
 */
export class WatchedUsers {
  /** Their changes are resumed after the last revision. */
  readonly #known = new Set<string>();
  /** Their snapshots are not complete. */
  readonly #added = new Set<string>();
  /** The users that each `synced` of this stream makes known: one for its start, and one for each update. */
  #due: string[][] = [];
  #bytes = 0;

  /** `areKnown` is true for a watch that resumes an earlier one. */
  constructor(userIds: Iterable<string>, areKnown: boolean) {
    this.#due.push(this.add(userIds));
    if (areKnown) this.sync();
  }

  get size(): number {
    return this.#known.size + this.#added.size;
  }

  has(userId: string): boolean {
    return this.#known.has(userId) || this.#added.has(userId);
  }

  /**
   * Adds users, and returns those that are new. Throws INVALID_ARGUMENT, and adds none, if there are too
   * many.
   */
  add(userIds: Iterable<string>): string[] {
    const fresh = [...new Set(userIds)].filter((userId) => !this.has(userId));
    const bytes = this.#bytes + sizeOf(fresh);
    if (this.size + fresh.length > MAX_USERS || bytes > MAX_BYTES) {
      throw new ImstateError(
        'INVALID_ARGUMENT',
        `a watch has at most ${MAX_USERS} users, whose ids take at most ${MAX_BYTES / 1024} KiB together: use several watches`,
        { field: 'user_ids' },
      );
    }
    for (const userId of fresh) this.#added.add(userId);
    this.#bytes = bytes;
    return fresh;
  }

  /** Removes users, and returns those that were in the set. */
  remove(userIds: Iterable<string>): string[] {
    const gone = [...new Set(userIds)].filter((userId) => this.has(userId));
    for (const userId of gone) {
      this.#known.delete(userId);
      this.#added.delete(userId);
    }
    this.#bytes -= sizeOf(gone);
    return gone;
  }

  /** Whether a stream can resume where the last one broke. */
  get canResume(): boolean {
    return this.#known.size > 0;
  }

  /** Starts a stream: returns the users to start with, and the updates to send after that. */
  begin(isResumed: boolean): { userIds: string[]; updates: WatchUpdate[] } {
    if (!isResumed) this.reset();
    const [first, then] = isResumed ? [this.#known, this.#added] : [this.#added, []];
    this.#due = [[...first]];
    return { userIds: [...first], updates: this.toAdd(then) };
  }

  /** The updates that add these users to the current stream. */
  toAdd(userIds: Iterable<string>): WatchUpdate[] {
    const parts = inParts([...userIds]);
    this.#due.push(...parts);
    return parts.map((addUserIds) => ({ addUserIds }));
  }

  /** The updates that remove these users from the current stream. */
  toRemove(userIds: string[]): WatchUpdate[] {
    const parts = inParts(userIds);
    this.#due.push(...parts.map(() => []));
    return parts.map((removeUserIds) => ({ removeUserIds }));
  }

  /** The stream sent `synced`: the reader knows further users completely. */
  sync(): void {
    for (const userId of this.#due.shift() ?? []) {
      if (this.#added.delete(userId)) this.#known.add(userId);
    }
  }

  /** The reader has discarded its state: every user needs a snapshot again. */
  reset(): void {
    for (const userId of this.#known) this.#added.add(userId);
    this.#known.clear();
  }
}

function sizeOf(userIds: string[]): number {
  return userIds.reduce((sum, userId) => sum + Buffer.byteLength(userId) + EXTRA_BYTES, 0);
}

function inParts(userIds: string[]): string[][] {
  return Array.from({ length: Math.ceil(userIds.length / MAX_PER_UPDATE) }, (_, i) =>
    userIds.slice(i * MAX_PER_UPDATE, (i + 1) * MAX_PER_UPDATE),
  );
}
