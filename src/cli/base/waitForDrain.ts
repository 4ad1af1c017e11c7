import { setTimeout as delay } from 'node:timers/promises';
import { type ChatServer, type Client, type ErrorCode, ImstateError } from 'imstate-client';
import { allServers } from '../input/pages.js';
import { count } from '../output/count.js';
import { LiveLine } from '../output/liveLine.js';

const POLL_INTERVAL_MS = 500;
/** How long to wait for the last graces to be recorded. Milliseconds. */
const SLACK_MS = 10_000;
const BAR_WIDTH = 24;
/** Errors that waiting does not fix. */
const FINAL = new Set<ErrorCode>(['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED', 'TLS_FAILED']);

/** What became of a drain. */
export interface DrainOutcome {
  /**
   * - `drained`: no session is left.
   * - `late`: sessions are left after the time of the drain and the grace.
   * - `ended`: the drain was cancelled, or a restart of the chat server ended it.
   * - `lost`: the chat server lost its lease, which ended its sessions.
   * - `stopped`: the caller did not want to wait any longer.
   */
  outcome: 'drained' | 'late' | 'ended' | 'lost' | 'stopped';
  /** How many sessions are left at the chat server, those in their grace included. */
  left: number;
}

/** Which drain to wait for. Durations in milliseconds. */
export interface AwaitedDrain {
  serverAddr: string;
  /** How many sessions there were at its beginning. */
  sessions: number;
  overMs: number;
  graceMs: number;
}

/**
 * Waits until a chat server that drains has no sessions left: they were closed, and their devices have moved or
 * their graces are over. Waits on while no daemon answers, and for a later drain that takes the place of this one. A
 * terminal shows the progress. Rejects if nothing is known at the end, with the error that prevents it.
 */
export async function waitForDrain(
  client: Client,
  drain: AwaitedDrain,
  stop: AbortSignal,
): Promise<DrainOutcome> {
  const line = new LiveLine();
  const progress = new DrainProgress(drain);
  try {
    while (!stop.aborted) {
      const outcome = await progress.look(client);
      if (outcome) return { outcome, left: progress.left };
      line.paint(progress.text);
      await delay(POLL_INTERVAL_MS, undefined, { signal: stop }).catch(() => {});
    }
    return { outcome: 'stopped', left: progress.left };
  } finally {
    line.end();
  }
}

class DrainProgress {
  left: number;
  readonly #drain: AwaitedDrain;
  #incarnation: number | undefined;
  /** When sessions that are left are late. */
  #endsAt: number;

  constructor(drain: AwaitedDrain) {
    this.#drain = drain;
    this.left = drain.sessions;
    this.#endsAt = performance.now() + drain.overMs + drain.graceMs + SLACK_MS;
  }

  /** The progress on one line. */
  get text(): string {
    const { sessions } = this.#drain;
    const done = Math.round(BAR_WIDTH * Math.max(0, 1 - this.left / Math.max(sessions, 1)));
    return `[${'#'.repeat(done)}${'-'.repeat(BAR_WIDTH - done)}] ${count(this.left, 'session')} left`;
  }

  /** What became of the drain; undefined while it goes on, or nothing is known. */
  async look(client: Client): Promise<DrainOutcome['outcome'] | undefined> {
    const isOver = performance.now() > this.#endsAt;
    try {
      const { servers, isPartial } = await allServers(client);
      const server = servers.find(({ serverAddr }) => serverAddr === this.#drain.serverAddr);
      this.left = server?.sessions ?? 0;
      // A shard that does not answer may have sessions, and the drain.
      const outcome = isPartial ? undefined : this.#outcomeOf(server);
      return outcome ?? (isOver ? 'late' : undefined);
    } catch (error) {
      if (isOver || !(error instanceof ImstateError) || FINAL.has(error.code)) throw error;
      return undefined;
    }
  }

  #outcomeOf(server: ChatServer | undefined): DrainOutcome['outcome'] | undefined {
    const lease = server?.lease;
    if (!lease || lease.state === 'LOST') return 'lost';
    this.#incarnation ??= lease.incarnation;
    if (lease.incarnation !== this.#incarnation) return 'ended';
    if (lease.state !== 'DRAINING') return 'ended';
    if (this.left === 0) return 'drained';
    this.#expect(lease);
    return undefined;
  }

  /** The chat server learns of a drain with its next keep-alive, and another drain may last longer. */
  #expect({ ttlMs, drainDeadline }: NonNullable<ChatServer['lease']>): void {
    const { overMs, graceMs } = this.#drain;
    const deadlineAt = performance.now() + Number(drainDeadline ?? 0) - Date.now();
    const lateMs = Math.max(0, ttlMs / 3 - overMs);
    this.#endsAt = Math.max(this.#endsAt, deadlineAt + lateMs + graceMs + SLACK_MS);
  }
}
