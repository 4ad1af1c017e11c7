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

/** A reader of changes that resumes by itself and, now and then, on purpose. */
export class Watcher {
  readonly name: string;
  /** Undefined if it watches everybody. */
  readonly userIds: ReadonlySet<string> | undefined;
  readonly changes: Change[] = [];
  /** What it was told that should never be. */
  readonly wrong: string[] = [];
  /** Settled once it follows. */
  readonly started: Promise<void>;
  #tellStarted!: () => void;
  #isOver = false;
  #watch: Watch | undefined;
  readonly #seen = new Set<string>();
  readonly #run: Promise<void>;

  constructor(name: string, client: Client, target: WatchOptions, random: Random) {
    this.name = name;
    this.userIds = target.users && new Set(target.users);
    this.started = new Promise((resolve) => {
      this.#tellStarted = resolve;
    });
    this.#run = this.#follow(client, target, random);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#watch?.close();
    await this.#run;
  }

  /** Follows, and now and then gives the watch up to resume it with another. */
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
          if (event.type === 'synced') this.#tellStarted();
          if (event.type === 'change') this.#take(event);
          else if (event.type === 'lost') this.wrong.push(`${this.name} lost changes: ${event.reason}`);
        }
      } catch (error) {
        // At first a watch gives up where no daemon can serve it.
        if (!(error instanceof ImstateError) || error.code !== 'UNAVAILABLE')
          this.wrong.push(`${this.name}: ${error}`);
        await delay(50);
      } finally {
        clearTimeout(quit);
      }
      resumeRevision = watch.revision || resumeRevision;
    }
  }

  #take(change: Change): void {
    if (this.#seen.has(change.revision)) this.wrong.push(`${this.name} was told ${change.revision} twice`);
    this.#seen.add(change.revision);
    this.changes.push(change);
  }
}

/** What of a watcher's changes differs from the history of the users that it watches. */
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

/** The changes of a device must chain up from offline to what is open, and end exactly what the history has as ended. */
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
  if (current !== open) return `it was told ${current ?? 'offline'}, the history has ${open ?? 'offline'}`;
  const past = entries.flatMap(({ sessionId, reason, endTime }) =>
    endTime ? [`${sessionId} ${reason} ${endTime.getTime()}`] : [],
  );
  const missing = past.filter((end) => !ends.includes(end));
  if (missing.length > 0 || ends.length !== past.length)
    return `${ends.length} ends, the history has ${past.length}; missing ${missing}`;
  return undefined;
}
