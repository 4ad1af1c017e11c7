import type { WatchUpdate } from '../generated/imstate/v1/WatchUpdate.js';
import { ImstateError } from '../shared/errors.js';

const MAX_USERS = 10_000;
/** A request takes 1 MiB at most; a resume names all users in one. */
const MAX_BYTES = 900 * 1024;
/** Bytes of an id that stand in a request beside its text, at most. */
const EXTRA_BYTES = 3;
const MAX_PER_UPDATE = 1_000;

/**
 * The set of users of a watch, as it is wanted, and which of them the reader knows of: those are resumed when the stream
 * breaks; the others are asked for again, with how they stand.
 */
export class WatchedUsers {
  /** What happens to them is told from the last revision on. */
  readonly #known = new Set<string>();
  /** Added, and how they stand has not been told completely. */
  readonly #added = new Set<string>();
  /** The users that each `synced` to come on this stream makes known: one for its start, and one for each update. */
  #due: string[][] = [];
  #bytes = 0;

  /** `areKnown` is true for a watch that an earlier one resumes. */
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

  /** Adds users, and returns those that are new. Throws if they would be too many, and adds none then. */
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

  /** Removes users, and returns those that were there. */
  remove(userIds: Iterable<string>): string[] {
    const gone = [...new Set(userIds)].filter((userId) => this.has(userId));
    for (const userId of gone) {
      this.#known.delete(userId);
      this.#added.delete(userId);
    }
    this.#bytes -= sizeOf(gone);
    return gone;
  }

  /** True if a stream can go on where the last one broke. */
  get canResume(): boolean {
    return this.#known.size > 0;
  }

  /** Begins a stream: the users to start with, and the updates to send after that. */
  begin(isResumed: boolean): { userIds: string[]; updates: WatchUpdate[] } {
    if (!isResumed) this.forget();
    const [first, then] = isResumed ? [this.#known, this.#added] : [this.#added, []];
    this.#due = [[...first]];
    return { userIds: [...first], updates: this.toAdd(then) };
  }

  /** What to send to add these users to the stream that was begun. */
  toAdd(userIds: Iterable<string>): WatchUpdate[] {
    const parts = inParts([...userIds]);
    this.#due.push(...parts);
    return parts.map((addUserIds) => ({ addUserIds }));
  }

  /** What to send to remove these users from the stream. */
  toRemove(userIds: string[]): WatchUpdate[] {
    const parts = inParts(userIds);
    this.#due.push(...parts.map(() => []));
    return parts.map((removeUserIds) => ({ removeUserIds }));
  }

  /** The stream said `synced`: the reader knows how further users stand. */
  sync(): void {
    for (const userId of this.#due.shift() ?? []) {
      if (this.#added.delete(userId)) this.#known.add(userId);
    }
  }

  /** The reader knows nothing any more. */
  forget(): void {
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
