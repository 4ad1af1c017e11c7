import { broken } from '../../presence/validate.js';
import type { ChangeLogEntry } from '../../store/changeLog.js';
import type { WatchTarget } from '../messages/watchTarget.js';
import { AdmittedShare, namesBytes, weightOf } from './admittedWatches.js';
import type { BacklogMember } from './backlog.js';
import type { WatchHub } from './hub.js';
import { Outbox } from './outbox.js';
import type { Outgoing } from './outgoing.js';
import type { PublishedChange } from './publishedChange.js';
import { positionsAt, Resume, type ResumingWatch } from './resume.js';
import { formatRevision, parseRevision } from './revision.js';
import { type MergingWatch, SnapshotMerge } from './snapshotMerge.js';
import { type SnapshotPart, SnapshotReader, type SnapshotReceiver } from './snapshotReader.js';
import { backlogFull, tooSlow } from './watchErrors.js';
import { WatchedUsers } from './watchedUsers.js';
import { type ProgressingWatch, WatchProgress } from './watchProgress.js';
import type { WatchSink } from './watchSink.js';
import { type StepTarget, WatchSteps } from './watchSteps.js';

/** The parts of a watch that it serves. */
type WatchRoles = BacklogMember &
  MergingWatch &
  ProgressingWatch &
  ResumingWatch &
  SnapshotReceiver &
  StepTarget;

/**
 * One watch. It joins the hub first, and reads its snapshot, or what it missed, then: see {@link
 * SnapshotMerge}.
 */
export class Watch implements WatchRoles {
  readonly userIds: Set<string> | undefined;
  readonly serverAddrs: Set<string> | undefined;
  readonly #hub: WatchHub;
  readonly #sink: WatchSink;
  readonly #target: WatchTarget;
  readonly #outbox: Outbox;
  readonly #share: AdmittedShare;
  readonly #merge: SnapshotMerge;
  readonly #reader: SnapshotReader;
  readonly #steps: WatchSteps;
  readonly #progress: WatchProgress;
  #isOver = false;

  constructor(hub: WatchHub, sink: WatchSink, target: WatchTarget) {
    this.#hub = hub;
    this.#sink = sink;
    this.#target = target;
    this.userIds = target.userIds;
    this.serverAddrs = target.serverAddrs;
    const overflow = () => this.failSlow(this.#outbox.size);
    this.#outbox = new Outbox(sink, target.coalesce, hub.outboxParts, overflow);
    this.#share = new AdmittedShare(hub.admitted);
    this.#merge = new SnapshotMerge(hub, this, target.initialState && target.userIds === undefined);
    this.#reader = new SnapshotReader(hub, this);
    this.#steps = new WatchSteps(this, (positions) => hub.reach(positions));
    this.#progress = new WatchProgress(hub, this, this.#outbox);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isSynced(): boolean {
    return this.#merge.isSynced;
  }

  get waiting(): number {
    return this.#outbox.changes;
  }

  get backlogBytes(): number {
    return this.#outbox.bytes + this.#merge.progress.bytes;
  }

  /** Starts the watch. Errors, now or later, end the stream. */
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

  /** Resolves when the start and the updates so far are done. */
  async settled(): Promise<void> {
    await this.#steps.settled();
  }

  /** Resolves once the caller was sent a revision to resume from; also when the watch is over. */
  async canResume(): Promise<void> {
    await this.#outbox.revisionSent();
  }

  /** Adds users to the watch, and removes some. */
  update(add: readonly string[], remove: readonly string[]): void {
    this.#steps.add(() => this.#update(add, remove));
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outbox.close();
    this.#merge.progress.clear();
    this.#share.giveBack();
    this.#hub.outboxParts.backlog.leave(this);
    this.#hub.leave(this);
  }

  /** The caller is gone, or has received everything. */
  disconnected(): void {
    this.#outbox.releaseInFlight();
  }

  closeForBacklog(): void {
    this.fail(backlogFull(this.backlogBytes, this.#outbox.sentRevision));
  }

  failSlow(waiting: number): void {
    this.#hub.noteSlow();
    this.fail(tooSlow(waiting, this.#outbox.sentRevision));
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.close();
    this.#sink.end(error);
  }

  deliver(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void {
    if (!this.#isOver) this.#merge.deliver(shard, entry, publish);
  }

  lagChanged(): void {
    if (!this.#isOver) this.#progress.sendLag();
  }

  tick(): void {
    this.lagChanged();
    this.#progress.sendAlive();
  }

  addSnapshot(part: SnapshotPart): number {
    return this.#merge.addSnapshot(part);
  }

  async drained(): Promise<void> {
    await this.#outbox.drained();
  }

  send(change: PublishedChange): void {
    this.#merge.send(change);
  }

  add(outgoing: Outgoing): void {
    if (!this.#isOver && !this.#outbox.add(outgoing)) this.failSlow(this.#outbox.size);
  }

  synced(): void {
    this.#hub.catchUp(this);
    if (this.#isOver) return;
    this.#merge.finish();
    this.add({ synced: true, revision: this.#hub.revision });
    // From here on it sends what all other watches of everything send.
    if (!this.userIds && !this.serverAddrs && !this.#target.coalesce) {
      this.#hub.moveToFeed(this);
      this.#outbox.followFeed();
    }
  }

  async #begin(): Promise<void> {
    const { initialState } = this.#target;
    const resume = await this.#resume();
    if (initialState) for (const userId of this.userIds ?? []) this.#merge.progress.expect(userId);
    this.#merge.resume = resume;
    await this.#hub.join(this);
    this.lagChanged();
    if (resume) await this.#steps.read(await resume.begin(), resume.read, true);
    else if (initialState && this.userIds) await this.#steps.read(this.userIds, this.#reader.readUsers, true);
    else if (initialState) await this.#steps.read(this.#hub.positions.keys(), this.#reader.readShards, true);
    else this.#steps.finish();
  }

  /** Undefined unless the watch resumes. */
  async #resume(): Promise<Resume | undefined> {
    const { resumeRevision, resumeTimeMs } = this.#target;
    if (resumeTimeMs !== undefined) {
      const positions = await positionsAt(this.#hub.changeLog, resumeTimeMs);
      const revision = formatRevision(positions);
      this.add({ resumedRevision: revision, revision });
      return new Resume(this.#hub, this, positions);
    }
    return resumeRevision === '' ? undefined : new Resume(this.#hub, this, parseRevision(resumeRevision));
  }

  async #update(add: readonly string[], remove: readonly string[]): Promise<void> {
    const { userIds } = this;
    if (userIds === undefined) {
      throw broken('update', 'must be on a watch of users: open another watch');
    }
    if (this.#isOver) return;
    const users = new WatchedUsers(this.#hub, this, userIds, this.#share, this.#merge.progress);
    users.remove(remove);
    // A watch that resumes has a snapshot of the other users already.
    const { initialState: hasSnapshot, resumeRevision, resumeTimeMs } = this.#target;
    const initialState = hasSnapshot || resumeRevision !== '' || resumeTimeMs !== undefined;
    const added = users.add(add, initialState);
    this.lagChanged();
    if (initialState) await this.#steps.read(added, this.#reader.readUsers, false);
    else this.#steps.finish();
  }
}
