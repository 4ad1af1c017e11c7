import { setTimeout as delay } from 'node:timers/promises';
import {
  type Change,
  type Client,
  type HistoryEntry,
  ImstateError,
  type Watch,
  type WatchOptions,
} from '../../../packages/client/src/index.ts';
import type { Random } from '../../../src/simulation/random.ts';

/** Reads changes, and sometimes replaces its watch to test resuming. */
export class Watcher {
  readonly name: string;
  /** Undefined if it watches everybody. */
  readonly userIds: ReadonlySet<string> | undefined;
  readonly changes: Change[] = [];
  /** Descriptions of invalid events. */
  readonly wrong: string[] = [];
  /** Settled when the watch is synced. */
  readonly started: Promise<void>;
  #resolveStarted!: () => void;
  #isOver = false;
  #watch: Watch | undefined;
  readonly #seen = new Set<string>();
  readonly #run: Promise<void>;

  constructor(name: string, client: Client, target: WatchOptions, random: Random) {
    this.name = name;
    this.userIds = target.users && new Set(target.users);
    this.started = new Promise((resolve) => {
      this.#resolveStarted = resolve;
    });
    this.#run = this.#follow(client, target, random);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#watch?.close();
    await this.#run;
  }

  /** Reads changes; replaces the watch at random times by one that resumes it. */
  async #follow(client: Client, target: WatchOptions, random: Random): Promise<void> {
    let resumeRevision: string | undefined;
    while (!this.#isOver) {
      const watch = client.watch({
        ...target,
        initialState: false,
        ...(resumeRevision && { resumeRevision }),
      });
      this.#watch = watch;
      const quit = setTimeout(() => watch.close(), random.between(2_000, 8_000));
      try {
        for await (const event of watch) {
          if (event.type === 'synced') this.#resolveStarted();
          if (event.type === 'change') this.#receive(event);
          else if (event.type === 'lost') this.wrong.push(`${this.name} lost changes: ${event.reason}`);
        }
      } catch (error) {
        // A watch that never synced fails if no daemon is available.
        if (!(error instanceof ImstateError) || error.code !== 'UNAVAILABLE')
          this.wrong.push(`${this.name}: ${error}`);
        await delay(50);
      } finally {
        clearTimeout(quit);
      }
      resumeRevision = watch.revision || resumeRevision;
    }
  }

  #receive(change: Change): void {
    if (this.#seen.has(change.revision)) this.wrong.push(`${this.name} received ${change.revision} twice`);
    this.#seen.add(change.revision);
    this.changes.push(change);
  }
}

/** Describes how a watcher's changes differ from the history of the watched users. */
export function compareWatcher(watcher: Watcher, histories: Map<string, HistoryEntry[]>): string[] {
  const wrong = [...watcher.wrong];
  for (const [userId, history] of histories) {
    const changes = watcher.changes.filter((change) => change.userId === userId);
    for (const deviceId of new Set(history.map((entry) => entry.deviceId))) {
      const ofDevice = changes.filter((change) => change.deviceId === deviceId);
      const entries = history.filter((entry) => entry.deviceId === deviceId);
      const what = compareDevice(ofDevice, entries);
      if (what) wrong.push(`${watcher.name}, ${userId}/${deviceId}: ${what}`);
    }
  }
  return wrong;
}

/** The changes of a device must lead from offline to the open session, with the ends of the history. */
function compareDevice(changes: Change[], entries: HistoryEntry[]): string | undefined {
  let current: string | undefined;
  const ends: string[] = [];
  for (const { session, ended, wasOnline, time } of changes) {
    if (wasOnline !== (current !== undefined))
      return `a change of ${current ?? 'offline'} says wasOnline ${wasOnline}`;
    if (ended) {
      if (ended.sessionId !== current)
        return `${ended.sessionId} ended while ${current ?? 'nothing'} was current`;
      ends.push(`${ended.sessionId} ${ended.reason} ${time?.getTime()}`);
      current = undefined;
    }
    if (session) {
      if (current !== undefined && current !== session.sessionId)
        return `${session.sessionId} began over ${current}`;
      current = session.sessionId;
    }
  }
  const open = entries.find(({ endTime }) => endTime === undefined)?.sessionId;
  if (current !== open) return `it received ${current ?? 'offline'}, the history has ${open ?? 'offline'}`;
  const past = entries.flatMap(({ sessionId, reason, endTime }) =>
    endTime ? [`${sessionId} ${reason} ${endTime.getTime()}`] : [],
  );
  const missing = past.filter((end) => !ends.includes(end));
  if (missing.length > 0 || ends.length !== past.length)
    return `${ends.length} ends, the history has ${past.length}; missing ${missing}`;
  return undefined;
}
