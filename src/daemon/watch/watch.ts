import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken } from '../../presence/validate.js';
import type { ChangeLogEntry } from '../../store/changeLog.js';
import { toUserSnapshot } from '../messages/responses.js';
import { AdmittedShare, namesBytes, weightOf } from './admittedWatches.js';
import type { BacklogMember } from './backlog.js';
import type { Follower } from './follower.js';
import type { WatchHub } from './hub.js';
import { Outbox, type Outgoing, type WatchSink } from './outbox.js';
import { PublishedChange } from './publishedChange.js';
import { Resume, type ResumingWatch } from './resume.js';
import { parseRevision } from './revision.js';
import { SnapshotProgress } from './snapshotProgress.js';
import { type SnapshotPart, SnapshotReader, type SnapshotReceiver, snapshotBytes } from './snapshotReader.js';
import { type SteppedWatch, WatchSteps } from './watchSteps.js';
import { MAX_WATCHED_USERS, type WatchTarget } from './watchTarget.js';

/** How many changes may wait for the snapshot of their user. */
const MAX_WAITING_FOR_SNAPSHOT = 10_000;
/** A watch on which nothing happens says so this often. Milliseconds. */
const PROGRESS_MS = 5_000;

/**
 * One watch. It joins the hub first; the changes that the hub delivers while the snapshot (or what was missed) is read are compared
 * with the log position up to which that goes: changes behind it are sent, those before it are known already.
 */
export class Watch implements Follower, BacklogMember, SteppedWatch, SnapshotReceiver, ResumingWatch {
  readonly userIds: Set<string> | undefined;
  readonly serverAddrs: Set<string> | undefined;
  readonly #hub: WatchHub;
  readonly #link: WatchSink;
  readonly #target: WatchTarget;
  readonly #outbox: Outbox;
  readonly #share: AdmittedShare;
  readonly #snapshots: SnapshotProgress;
  readonly #reader: SnapshotReader;
  readonly #steps: WatchSteps;
  /** Set until the first `synced` of a watch that resumes. */
  #resume: Resume | undefined;
  #isSynced = false;
  /** True from when the caller was sent that the watch lags until it was sent that it has caught up. */
  #isLagging = false;
  #isOver = false;

  constructor(hub: WatchHub, link: WatchSink, target: WatchTarget) {
    this.#hub = hub;
    this.#link = link;
    this.#target = target;
    this.userIds = target.userIds;
    this.serverAddrs = target.serverAddrs;
    this.#outbox = new Outbox(link, target.coalesce, hub.outboxParts, () =>
      this.fail(this.#tooSlow(this.#outbox.size)),
    );
    this.#share = new AdmittedShare(hub.admitted);
    const expectsAll = target.initialState && target.userIds === undefined;
    this.#snapshots = new SnapshotProgress(hub.outboxParts.backlog, expectsAll);
    this.#reader = new SnapshotReader(hub, this);
    this.#steps = new WatchSteps(this, (positions) => hub.reach(positions));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get waiting(): number {
    return this.#outbox.changes;
  }

  get backlogBytes(): number {
    return this.#outbox.bytes + this.#snapshots.bytes;
  }

  /** Begins; what goes wrong, then or later, ends the stream. */
  start(): void {
    if (this.#isOver) return;
    try {
      this.#share.resize(weightOf(this), namesBytes(this.userIds ?? this.serverAddrs ?? []));
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#hub.outboxParts.backlog.join(this);
    this.#steps.begin(() => this.#begin());
  }

  /** Resolves when what was asked so far is done. */
  async settled(): Promise<void> {
    await this.#steps.settled();
  }

  /** Resolves once the caller was sent a revision to resume from; also when the watch is over. */
  async canResume(): Promise<void> {
    await this.#outbox.revisionSent();
  }

  /** Watches more users, and some no longer. */
  update(add: readonly string[], remove: readonly string[]): void {
    this.#steps.add(() => this.#update(add, remove));
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outbox.close();
    this.#snapshots.clear();
    this.#share.giveBack();
    this.#hub.outboxParts.backlog.leave(this);
    this.#hub.leave(this);
  }

  /** The caller is gone, or has been given everything. */
  disconnected(): void {
    this.#outbox.releaseInFlight();
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

  offer(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void {
    if (this.#isOver) return;
    // A resume reads this shard by itself still.
    if (this.#resume && !this.#resume.isLive(shard)) return;
    const key = this.#keyOf(entry.change.userId);
    if (!this.#snapshots.isPending(key)) {
      this.#pass(shard, entry, publish);
      return;
    }
    this.#snapshots.keep(key, { shard, entry, published: publish() });
    const { count } = this.#snapshots;
    if (count > MAX_WAITING_FOR_SNAPSHOT) this.fail(this.#tooSlow(count));
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
    this.#hub.catchUp(this);
    if (this.#isSynced) this.#add({ progress: true, revision: this.#hub.revision });
    // It has no revision to send yet.
    else if (this.#isLagging) this.#add({ lag: this.#hub.laggingSinceMs(this) });
  }

  /** See {@link SnapshotReceiver}. */
  addSnapshot({ key, position, users }: SnapshotPart): number {
    let bytes = 0;
    for (const user of users) {
      const size = snapshotBytes(user);
      bytes += size;
      this.#add({ snapshot: toUserSnapshot(user), size });
    }
    this.#snapshots.know(key, position);
    for (const { shard, entry, published } of this.#snapshots.take(key))
      this.#pass(shard, entry, () => published);
    return bytes;
  }

  async calm(): Promise<void> {
    await this.#outbox.calm();
  }

  send(change: PublishedChange): void {
    this.#add({ change, revision: this.#isSynced || this.#resume ? change.revision : '' });
  }

  synced(): void {
    this.#hub.catchUp(this);
    if (this.#isOver) return;
    this.#isSynced = true;
    this.#resume = undefined;
    this.#snapshots.finish();
    this.#add({ synced: true, revision: this.#hub.revision });
    // From here on it sends what all others of its kind send.
    if (!this.userIds && !this.serverAddrs && !this.#target.coalesce) {
      this.#hub.passByFeed(this);
      this.#outbox.followFeed();
    }
  }

  async #begin(): Promise<void> {
    const { initialState, resumeRevision } = this.#target;
    const resume =
      resumeRevision === '' ? undefined : new Resume(this.#hub, this, parseRevision(resumeRevision));
    if (initialState) for (const userId of this.userIds ?? []) this.#snapshots.expect(userId);
    this.#resume = resume;
    await this.#hub.join(this);
    this.lagChanged();
    if (resume) await this.#steps.read(await resume.begin(), resume.read, true);
    else if (initialState && this.userIds) await this.#steps.read(this.userIds, this.#reader.readUsers, true);
    else if (initialState) await this.#steps.read(this.#hub.places.keys(), this.#reader.readShards, true);
    else this.#steps.finish();
  }

  async #update(add: readonly string[], remove: readonly string[]): Promise<void> {
    const { userIds } = this;
    if (userIds === undefined) {
      throw broken('update', 'must be on a watch of users: open another watch');
    }
    if (this.#isOver) return;
    this.#removeUsers(userIds, remove);
    const added = new Set(add.filter((userId) => !userIds.has(userId)));
    // Whoever resumes knows the others already.
    const initialState = this.#target.initialState || this.#target.resumeRevision !== '';
    this.#addUsers(userIds, added, initialState);
    this.lagChanged();
    if (initialState) await this.#steps.read(added, this.#reader.readUsers, false);
    else this.#steps.finish();
  }

  #removeUsers(userIds: Set<string>, remove: readonly string[]): void {
    for (const userId of remove) {
      if (!userIds.delete(userId)) continue;
      this.#snapshots.remove(userId);
      this.#hub.removeUser(this, userId);
      this.#share.resize(this.#share.weight, -namesBytes([userId]));
    }
  }

  #addUsers(userIds: Set<string>, added: ReadonlySet<string>, initialState: boolean): void {
    const size = userIds.size + added.size;
    if (size > MAX_WATCHED_USERS) {
      throw broken('add_user_ids', `must leave at most ${MAX_WATCHED_USERS} users: open another watch`);
    }
    this.#share.resize(weightOf({ userIds: { size }, serverAddrs: undefined }), namesBytes(added));
    for (const userId of added) {
      userIds.add(userId);
      if (initialState) this.#snapshots.expect(userId);
      else this.#snapshots.know(userId, this.#hub.places[this.#hub.changeLog.shardOf(userId)]);
      this.#hub.addUser(this, userId);
    }
  }

  /** Sends a change that the hub delivered, unless it is known already. */
  #pass(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void {
    const { place } = entry;
    // A user who was added while a resume goes on may be known further than the others.
    if (this.#resume?.includes(shard, place)) return;
    if (this.#snapshots.includes(this.#keyOf(entry.change.userId), place)) return;
    if (!this.#resume) this.send(publish());
    else this.send(new PublishedChange(entry.change, this.#resume.advance(shard, place)));
  }

  #keyOf(userId: string): string {
    return this.userIds ? userId : this.#hub.changeLog.partOf(userId);
  }

  #add(outgoing: Outgoing): void {
    if (!this.#isOver && !this.#outbox.add(outgoing)) this.fail(this.#tooSlow(this.#outbox.size));
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
