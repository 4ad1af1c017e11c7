import { ImstateError } from '../../errors.js';
import { isBehind, type LedgerEntry, type Place, type UserAt } from '../../store/ledger.js';
import type { Session } from '../../store/store.js';
import { toUserSnapshot } from '../services/responses.js';
import { namesBytes, weightOf } from './admittedWatches.js';
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
/** After how long what could not be read is read again. Milliseconds. */
const RETRY_MS = 500;
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

/** Reads parts of a step, and notes up to where each shard is known. Returns those that could not be read. */
type ReadParts<Part> = (parts: readonly Part[], reached: Map<number, Place>) => Promise<LateParts<Part>>;

/** What could not be read, because a shard does not answer. */
class LateParts<Part> {
  readonly left: Part[] = [];
  /** Why the first was not. */
  failure: unknown;

  /** Throws what is no matter of a shard that does not answer. */
  add(part: Part, error: unknown): void {
    if (!(error instanceof ImstateError) || error.code !== 'STORE_UNAVAILABLE') throw error;
    this.failure ??= error;
    this.left.push(part);
  }
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
  /** True from when the caller was sent that the watch lags until it was sent that it has caught up. */
  #isLagging = false;
  /** How many steps wait for shards that do not answer. */
  #lateSteps = 0;
  /** How many steps are complete that `synced` is still to be sent for: it comes in the order of the steps. */
  #owedSyncs = 0;
  #isOver = false;
  #earlyCount = 0;
  #earlyBytes = 0;
  #weight = 0;
  #namesBytes = 0;
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
    try {
      this.#resize(weightOf(this), namesBytes(this.userIds ?? this.serverAddrs ?? []));
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#hub.outboxParts.backlog.join(this);
    this.#steps = this.#begin().catch((error) => this.fail(error));
  }

  /** Resolves when what was asked so far is done. */
  async settled(): Promise<void> {
    await this.#steps;
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
    this.#hub.admitted.giveBack(this.#weight, this.#namesBytes);
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

  lagChanged(): void {
    if (this.#isOver || (!this.#isLagging && !this.#hub.isLagging)) return;
    const laggingSinceMs = this.#hub.laggingSinceMs(this);
    const hasChanged = this.#isLagging !== (laggingSinceMs !== undefined);
    // It has caught up when it has sent what it had missed: the next tick asks again.
    if (!hasChanged || (laggingSinceMs === undefined && this.#outbox.size > 0)) return;
    this.#isLagging = laggingSinceMs !== undefined;
    this.#add({ lag: laggingSinceMs });
  }

  tick(): void {
    this.lagChanged();
    this.#sayAlive();
  }

  /** One that is told of nothing at all is left to its silence: its caller goes on with another daemon, which may reach the store. */
  #sayAlive(): void {
    if (this.#outbox.size > 0 || this.#outbox.idleMs < PROGRESS_MS || this.#hub.isStalled(this)) return;
    if (this.#isSynced) this.#add({ progress: true, revision: this.#hub.revision });
    // It has no revision to send yet.
    else if (this.#isLagging) this.#add({ lag: this.#hub.laggingSinceMs(this) });
  }

  async #begin(): Promise<void> {
    const { initialState, resumeRevision } = this.#target;
    const places = resumeRevision === '' ? undefined : parseRevision(resumeRevision);
    if (initialState) for (const userId of this.userIds ?? []) this.#known.set(userId, undefined);
    this.#resumed = places;
    await this.#hub.join(this);
    this.lagChanged();
    if (places) await this.#resume(places);
    else if (initialState && this.userIds) await this.#readParts([...this.userIds], this.#readUsers, true);
    else if (initialState) await this.#readParts(this.#hub.places.keys(), this.#readShards, true);
    else this.#finishStep();
  }

  async #update(add: readonly string[], remove: readonly string[]): Promise<void> {
    const { userIds } = this;
    if (userIds === undefined) {
      throw new ImstateError('INVALID_ARGUMENT', 'update must be on a watch of users: open another watch');
    }
    if (this.#isOver) return;
    for (const userId of remove) {
      if (!userIds.delete(userId)) continue;
      this.#known.delete(userId);
      this.#takeEarly(userId);
      this.#hub.removeUser(this, userId);
      this.#resize(this.#weight, -namesBytes([userId]));
    }
    const added = new Set(add.filter((userId) => !userIds.has(userId)));
    if (userIds.size + added.size > MOST_WATCHED_USERS) {
      throw new ImstateError(
        'INVALID_ARGUMENT',
        `add_user_ids must leave at most ${MOST_WATCHED_USERS} users: open another watch`,
      );
    }
    const size = userIds.size + added.size;
    this.#resize(weightOf({ userIds: { size }, serverAddrs: undefined }), namesBytes(added));
    // Whoever resumes knows the others already.
    const initialState = this.#target.initialState || this.#target.resumeRevision !== '';
    for (const userId of added) {
      userIds.add(userId);
      this.#known.set(userId, initialState ? undefined : this.#hub.places[this.#hub.ledger.shardOf(userId)]);
      this.#hub.addUser(this, userId);
    }
    this.lagChanged();
    if (initialState) await this.#readParts(added, this.#readUsers, false);
    else this.#finishStep();
  }

  /** Takes room for what it follows from now on, or gives some back; throws RESOURCE_EXHAUSTED if there is none. */
  #resize(weight: number, moreBytes: number): void {
    const more = weight - this.#weight;
    const { admitted } = this.#hub;
    admitted.take(Math.max(0, more), Math.max(0, moreBytes));
    admitted.giveBack(Math.max(0, -more), Math.max(0, -moreBytes));
    this.#weight = weight;
    this.#namesBytes += moreBytes;
  }

  /**
   * Reads parts of a step, such as users. Those whose shard does not answer are read later, and `synced` comes when all have been
   * read; other steps do not wait for that. Rejects if none can be read, where the watch begins with them.
   */
  async #readParts<Part>(parts: Iterable<Part>, read: ReadParts<Part>, isBegin: boolean): Promise<void> {
    const all = [...parts];
    const reached = new Map<number, Place>();
    const { left, failure } = await read(all, reached);
    if (isBegin && left.length > 0 && left.length === all.length && failure) throw failure;
    if (left.length === 0) await this.#syncAt(reached);
    else {
      this.#lateSteps += 1;
      this.#readLater(left, read, reached);
    }
  }

  #readLater<Part>(parts: readonly Part[], read: ReadParts<Part>, reached: Map<number, Place>): void {
    const again = async () => {
      if (this.#isOver) return;
      const { left } = await read(parts, reached);
      if (left.length > 0) {
        this.#readLater(left, read, reached);
        return;
      }
      this.#lateSteps -= 1;
      await this.#syncAt(reached);
    };
    const enqueue = () => {
      this.#steps = this.#steps.then(again).catch((error) => this.fail(error));
    };
    setTimeout(enqueue, RETRY_MS).unref();
  }

  /** Reads users, and passes on what happened meanwhile. */
  readonly #readUsers: ReadParts<string> = async (userIds, reached) => {
    const { ledger } = this.#hub;
    const late = new LateParts<string>();
    for (let i = 0; i < userIds.length && !this.#isOver; i += USERS_AT_ONCE) {
      await this.#outbox.calm();
      const some = userIds.slice(i, i + USERS_AT_ONCE).filter((userId) => this.userIds?.has(userId));
      const found = await Promise.allSettled(some.map((userId) => this.#readUser(userId)));
      for (const [at, outcome] of found.entries()) {
        const userId = some[at] as string;
        if (outcome.status === 'rejected') late.add(userId, outcome.reason);
        else if (this.userIds?.has(userId)) {
          const { sessions, place } = outcome.value;
          this.#knows(userId, ledger.shardOf(userId), place, [{ userId, sessions }], reached);
        }
      }
    }
    return late;
  };

  async #readUser(userId: string): Promise<{ sessions: Session[]; place: Place }> {
    const { ledger } = this.#hub;
    this.#checkKnown(ledger.shardOf(userId));
    return ledger.readUser(userId);
  }

  /** Reads everybody in some shards, or the sessions of the chat servers there. */
  readonly #readShards: ReadParts<number> = async (shards, reached) => {
    const late = new LateParts<number>();
    const serverAddrs = this.serverAddrs && [...this.serverAddrs];
    for (const shard of shards) {
      try {
        this.#checkKnown(shard);
        for await (const { part, place, users } of this.#hub.ledger.snapshot(shard, serverAddrs)) {
          this.#knows(part, shard, place, users, reached);
          await this.#outbox.calm();
          if (this.#isOver) return late;
        }
      } catch (error) {
        late.add(shard, error);
      }
    }
    return late;
  };

  /** What the hub reads of a shard must be known to go on from before what is read here. */
  #checkKnown(shard: number): void {
    if (!this.#hub.isKnown(shard))
      throw new ImstateError('STORE_UNAVAILABLE', `shard ${shard} of the store does not answer: try again`);
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
    for (const shard of places.keys()) {
      // Nothing of this shard concerns the watch.
      if (!shards || shards.has(shard)) continue;
      places[shard] = this.#hub.places[shard] as Place;
      this.#liveShards.add(shard);
    }
    const concerned = [...places.keys()].filter((shard) => !this.#liveShards.has(shard));
    await this.#readParts(concerned, (some, reached) => this.#readMissedOf(some, places, reached), true);
  }

  async #readMissedOf(
    shards: readonly number[],
    places: Place[],
    reached: Map<number, Place>,
  ): Promise<LateParts<number>> {
    const late = new LateParts<number>();
    for (const shard of shards) {
      try {
        this.#checkKnown(shard);
        if (!(await this.#readMissed(shard, places))) return late;
        reached.set(shard, places[shard] as Place);
      } catch (error) {
        late.add(shard, error);
      }
    }
    return late;
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
    const isIn = (known: Place | undefined) => known !== undefined && !isBehind(known, entry.place);
    // A user who was added while a resume goes on may be known further than the others.
    if (isIn(this.#resumed?.[shard]) || isIn(this.#known.get(this.#keyOf(entry.change.userId)))) return;
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
    this.#finishStep();
  }

  /** A step is complete; `synced` waits for earlier ones that are not. */
  #finishStep(): void {
    this.#owedSyncs += 1;
    if (this.#lateSteps > 0) return;
    for (; this.#owedSyncs > 0; this.#owedSyncs -= 1) this.#sync();
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
    const { ledger } = this.#hub;
    const oldest = await Promise.all(
      Array.from({ length: ledger.shards }, (_, shard) =>
        ledger.ends(shard).then(
          (ends) => ends.oldest,
          () => this.#hub.places[shard] ?? ([0, 0] as const),
        ),
      ),
    );
    return new ImstateError(
      'OUT_OF_RANGE',
      `the changes since resume_revision are gone: begin anew with initial_state; the oldest revision is ${formatRevision(oldest)}`,
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
