import { ImstateError } from '../../errors.js';
import { isBehind, type LedgerEntry, type Place, type UserAt } from '../../store/ledger.js';
import { toUserSnapshot } from '../services/responses.js';
import type { BacklogMember } from './backlog.js';
import { concerns, type Follower, type WatchHub } from './hub.js';
import { ENTRY_BYTES, Outbox, type Outgoing, type WatchLink } from './outbox.js';
import { PublishedChange } from './publishedChange.js';
import { formatRevision, parseRevision } from './revision.js';

/** What to watch, and from where. */
export interface WatchTarget {
  /** Undefined if the watch is not of users. */
  userIds: Set<string> | undefined;
  /** Undefined if the watch is not of chat servers. */
  serverAddrs: Set<string> | undefined;
  initialState: boolean;
  /** Empty begins now. */
  resumeRevision: string;
  coalesce: boolean;
}

/** How many users one watch follows at most. */
export const MOST_WATCHED_USERS = 10_000;
/** How many changes may wait for the snapshot of their user. */
const MOST_EARLY = 10_000;
const READ_AT_ONCE = 256;
const USERS_AT_ONCE = 100;
/** A watch on which nothing happens says so this often. Milliseconds. */
const PROGRESS_MS = 5_000;

/** A session of a snapshot, and an entry of its metadata, without their texts. Bytes, as measured. */
const SESSION_BYTES = 600;
const METADATA_BYTES = 100;

/** A change that waits for the snapshot of its user. */
interface EarlyChange {
  shard: number;
  entry: LedgerEntry;
  published: PublishedChange;
}

/**
 * One watch. It joins the hub first; what the hub tells while the snapshot (or what was missed) is read is kept apart by
 * the place up to which that goes: behind it, it is a change to send; before it, it is known already.
 */
export class Watch implements Follower, BacklogMember {
  readonly userIds: Set<string> | undefined;
  readonly serverAddrs: Set<string> | undefined;
  readonly #hub: WatchHub;
  readonly #link: WatchLink;
  readonly #target: WatchTarget;
  readonly #outbox: Outbox;
  /** Up to where each user, or part of everybody, is known. Undefined while it is being read: changes wait. */
  readonly #known = new Map<string, Place | undefined>();
  readonly #early = new Map<string, EarlyChange[]>();
  /** While a resume reads what was missed: up to where it has got, shard by shard. */
  #resumed: Place[] | undefined;
  readonly #liveShards = new Set<number>();
  #isSynced = false;
  #isOver = false;
  #earlyCount = 0;
  #earlyBytes = 0;
  #steps = Promise.resolve();

  constructor(hub: WatchHub, link: WatchLink, target: WatchTarget) {
    this.#hub = hub;
    this.#link = link;
    this.#target = target;
    this.userIds = target.userIds;
    this.serverAddrs = target.serverAddrs;
    this.#outbox = new Outbox(link, target.coalesce, hub.outboxParts, () =>
      this.fail(this.#tooSlow(this.#outbox.size)),
    );
  }

  get waiting(): number {
    return this.#outbox.changes;
  }

  get backlogBytes(): number {
    return this.#outbox.bytes + this.#earlyBytes;
  }

  /** Begins; what goes wrong, then or later, ends the stream. */
  start(): void {
    if (this.#isOver) return;
    this.#hub.outboxParts.backlog.join(this);
    this.#steps = this.#begin().catch((error) => this.fail(error));
  }

  /** Watches more users, and some no longer. */
  update(add: readonly string[], remove: readonly string[]): void {
    this.#steps = this.#steps.then(() => this.#update(add, remove)).catch((error) => this.fail(error));
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outbox.close();
    for (const key of [...this.#early.keys()]) this.#takeEarly(key);
    this.#hub.outboxParts.backlog.leave(this);
    this.#hub.leave(this);
  }

  /** The caller is gone, or has been given everything. */
  gone(): void {
    this.#outbox.gone();
  }

  closeForBacklog(): void {
    const { backlogBytes } = this;
    this.fail(
      new ImstateError(
        'RESOURCE_EXHAUSTED',
        `too much waits for the callers of this daemon's watches (--max-watch-backlog), ${backlogBytes} bytes of it for ` +
          `this one: ${this.#howToGoOn()}, read faster, or ask for coalesce`,
      ),
    );
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.close();
    this.#link.end(error);
  }

  offer(shard: number, entry: LedgerEntry, publish: () => PublishedChange): void {
    if (this.#isOver) return;
    // A resume reads this shard by itself still.
    if (this.#resumed && !this.#liveShards.has(shard)) return;
    const key = this.#keyOf(entry.change.userId);
    if (!this.#isPending(key)) {
      this.#pass(shard, entry, publish);
      return;
    }
    this.#keepEarly(key, { shard, entry, published: publish() });
    if (this.#earlyCount > MOST_EARLY) this.fail(this.#tooSlow(this.#earlyCount));
  }

  tick(): void {
    if (this.#isSynced && this.#outbox.size === 0 && this.#outbox.idleMs >= PROGRESS_MS)
      this.#add({ progress: true, revision: this.#hub.revision });
  }

  async #begin(): Promise<void> {
    const { initialState, resumeRevision } = this.#target;
    const places = resumeRevision === '' ? undefined : parseRevision(resumeRevision);
    if (initialState) for (const userId of this.userIds ?? []) this.#known.set(userId, undefined);
    this.#resumed = places;
    await this.#hub.join(this);
    if (places) await this.#resume(places);
    else if (initialState && this.userIds) await this.#readUsers([...this.userIds]);
    else if (initialState) await this.#readEverybody();
    else this.#sync();
  }

  async #update(add: readonly string[], remove: readonly string[]): Promise<void> {
    const { userIds } = this;
    if (userIds === undefined) {
      throw new ImstateError('INVALID_ARGUMENT', 'update must be on a watch of users: open another watch');
    }
    for (const userId of remove) {
      userIds.delete(userId);
      this.#known.delete(userId);
      this.#takeEarly(userId);
      this.#hub.removeUser(this, userId);
    }
    const added = add.filter((userId) => !userIds.has(userId));
    if (userIds.size + added.length > MOST_WATCHED_USERS) {
      throw new ImstateError(
        'INVALID_ARGUMENT',
        `add_user_ids must leave at most ${MOST_WATCHED_USERS} users: open another watch`,
      );
    }
    // Whoever resumes knows the others already.
    const initialState = this.#target.initialState || this.#target.resumeRevision !== '';
    for (const userId of added) {
      userIds.add(userId);
      this.#known.set(userId, initialState ? undefined : this.#hub.places[this.#hub.ledger.shardOf(userId)]);
      this.#hub.addUser(this, userId);
    }
    if (initialState) await this.#readUsers(added);
    else this.#sync();
  }

  /** Reads how users stand, and passes on what happened meanwhile. */
  async #readUsers(userIds: readonly string[]): Promise<void> {
    const { ledger } = this.#hub;
    const reached = new Map<number, Place>();
    for (let i = 0; i < userIds.length && !this.#isOver; i += USERS_AT_ONCE) {
      await this.#outbox.calm();
      const some = userIds.slice(i, i + USERS_AT_ONCE);
      const found = await Promise.all(some.map((userId) => ledger.readUser(userId)));
      for (const [at, { sessions, place }] of found.entries()) {
        const userId = some[at] as string;
        if (this.userIds?.has(userId))
          this.#knows(userId, ledger.shardOf(userId), place, [{ userId, sessions }], reached);
      }
    }
    await this.#syncAt(reached);
  }

  async #readEverybody(): Promise<void> {
    const { ledger } = this.#hub;
    const reached = new Map<number, Place>();
    for await (const { part, shard, place, users } of ledger.snapshot(
      this.serverAddrs && [...this.serverAddrs],
    )) {
      this.#knows(part, shard, place, users, reached);
      await this.#outbox.calm();
      if (this.#isOver) return;
    }
    await this.#syncAt(reached);
  }

  /** Users, or a part of everybody, are known up to a place. */
  #knows(
    key: string,
    shard: number,
    place: Place,
    users: readonly UserAt[],
    reached: Map<number, Place>,
  ): void {
    for (const user of users) this.#add({ snapshot: toUserSnapshot(user), size: snapshotBytes(user) });
    this.#known.set(key, place);
    const before = reached.get(shard);
    if (before === undefined || isBehind(before, place)) reached.set(shard, place);
    for (const early of this.#takeEarly(key)) this.#pass(early.shard, early.entry, () => early.published);
  }

  #keepEarly(key: string, early: EarlyChange): void {
    const waiting = this.#early.get(key);
    if (waiting) waiting.push(early);
    else this.#early.set(key, [early]);
    this.#earlyCount += 1;
    this.#earlyBytes += ENTRY_BYTES + early.published.size;
    const { backlog } = this.#hub.outboxParts;
    backlog.add(ENTRY_BYTES);
    backlog.hold(early.published);
  }

  /** Takes the changes that wait for the snapshot of a user, or of a part of everybody. */
  #takeEarly(key: string): EarlyChange[] {
    const early = this.#early.get(key) ?? [];
    this.#early.delete(key);
    this.#earlyCount -= early.length;
    const { backlog } = this.#hub.outboxParts;
    for (const { published } of early) {
      this.#earlyBytes -= ENTRY_BYTES + published.size;
      backlog.add(-ENTRY_BYTES);
      backlog.release(published);
    }
    return early;
  }

  /** Reads and passes on what happened since a revision, until the hub tells what follows. */
  async #resume(places: Place[]): Promise<void> {
    const { ledger } = this.#hub;
    if (places.length !== ledger.shards) throw await this.#gone();
    const shards = this.userIds
      ? new Set([...this.userIds].map((userId) => ledger.shardOf(userId)))
      : undefined;
    const reached = new Map<number, Place>();
    for (let shard = 0; shard < places.length; shard++) {
      // Nothing of this shard concerns the watch.
      if (shards && !shards.has(shard)) {
        places[shard] = this.#hub.places[shard] as Place;
        this.#liveShards.add(shard);
      } else if (!(await this.#readMissed(shard, places))) return;
      reached.set(shard, places[shard] as Place);
    }
    await this.#syncAt(reached);
  }

  /** Reads what a shard has behind a place, until it is where the hub is or ahead of it; false if the watch is over. */
  async #readMissed(shard: number, places: Place[]): Promise<boolean> {
    for (;;) {
      await this.#outbox.calm();
      const found = await this.#hub.ledger.read(shard, places[shard] as Place, READ_AT_ONCE);
      if (found === undefined) throw await this.#gone();
      if (this.#isOver) return false;
      for (const entry of found.entries) {
        places[shard] = entry.place;
        if (concerns(this, entry)) this.#send(new PublishedChange(entry.change, formatRevision(places)));
      }
      places[shard] = found.upTo;
      const isWithHub = !isBehind(places[shard] as Place, this.#hub.places[shard] as Place);
      if (!isWithHub || found.entries.length === READ_AT_ONCE) continue;
      // In this very turn: what the hub tells from now on is taken from it.
      this.#liveShards.add(shard);
      return true;
    }
  }

  /** Sends a change that the hub told, unless it is known already. */
  #pass(shard: number, entry: LedgerEntry, publish: () => PublishedChange): void {
    const known = this.#resumed ? this.#resumed[shard] : this.#known.get(this.#keyOf(entry.change.userId));
    if (known && !isBehind(known, entry.place)) return;
    if (!this.#resumed) {
      this.#send(publish());
      return;
    }
    this.#resumed[shard] = entry.place;
    this.#send(new PublishedChange(entry.change, formatRevision(this.#resumed)));
  }

  #send(change: PublishedChange): void {
    this.#add({ change, revision: this.#isSynced || this.#resumed ? change.revision : '' });
  }

  /** The hub has to get to where the snapshot is, so that its revision covers all of it. */
  async #syncAt(places: ReadonlyMap<number, Place>): Promise<void> {
    await this.#hub.reach(places);
    this.#sync();
  }

  #sync(): void {
    if (this.#isOver) return;
    this.#isSynced = true;
    this.#resumed = undefined;
    // The hub is past all of it, except for what an update is reading.
    for (const [key, place] of this.#known) if (place !== undefined) this.#known.delete(key);
    this.#add({ synced: true, revision: this.#hub.revision });
    // From here on it sends what all others of its kind send.
    if (!this.userIds && !this.serverAddrs && !this.#target.coalesce) {
      this.#hub.passByFeed(this);
      this.#outbox.followFeed();
    }
  }

  #keyOf(userId: string): string {
    return this.userIds ? userId : this.#hub.ledger.partOf(userId);
  }

  #isPending(key: string): boolean {
    if (this.userIds) return this.#known.has(key) && this.#known.get(key) === undefined;
    return this.#target.initialState && !this.#isSynced && !this.#known.has(key);
  }

  #add(outgoing: Outgoing): void {
    if (!this.#isOver && !this.#outbox.add(outgoing)) this.fail(this.#tooSlow(this.#outbox.size));
  }

  async #gone(): Promise<ImstateError> {
    const ends = await this.#hub.ledger.ends();
    const oldest = formatRevision(ends.map((each) => each.oldest));
    return new ImstateError(
      'OUT_OF_RANGE',
      `the changes since resume_revision are gone: begin anew with initial_state; the oldest revision is ${oldest}`,
    );
  }

  #tooSlow(waiting: number): ImstateError {
    this.#hub.noteSlow();
    return new ImstateError(
      'RESOURCE_EXHAUSTED',
      `the caller reads too slowly, ${waiting} changes wait for it: ${this.#howToGoOn()}, read faster, or ask for coalesce`,
    );
  }

  #howToGoOn(): string {
    const { sentRevision } = this.#outbox;
    return sentRevision === '' ? 'begin anew' : `resume from ${sentRevision}`;
  }
}

/** The memory of a user in a snapshot, about. */
function snapshotBytes({ userId, sessions }: UserAt): number {
  let bytes = SESSION_BYTES + userId.length;
  for (const { deviceId, sessionId, serverAddr, platform, metadata } of sessions) {
    bytes += SESSION_BYTES + deviceId.length + sessionId.length + serverAddr.length + platform.length;
    for (const [name, value] of Object.entries(metadata))
      bytes += METADATA_BYTES + name.length + value.length;
  }
  return bytes;
}
