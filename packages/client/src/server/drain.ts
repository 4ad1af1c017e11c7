import type { HeldSessions } from './heldSessions.js';
import type { DrainingSession } from './serverMessages.js';

/** How often sessions are chosen, on average. Milliseconds. */
const TICK_MS = 100;
/** A process that was stopped for longer goes on at a higher pace, instead of closing many at once. Milliseconds. */
const MAX_TICK_MS = 300;
/** How long a drain takes at least, even if its deadline is over. Milliseconds. */
const MIN_MS = 1_000;

/**
 * Chooses the sessions to close while the chat server drains, evenly until the deadline and with jitter, so that
 * their devices do not log in elsewhere all at once.
 */
export class Drain {
  readonly #held: HeldSessions;
  readonly #onDrain: ((session: DrainingSession) => void) | undefined;
  #startedAt = 0;
  #deadlineAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Fractions of sessions that are due. */
  #due = 0;

  /** Without `onDrain` no session is chosen. */
  constructor(held: HeldSessions, onDrain: ((session: DrainingSession) => void) | undefined) {
    this.#held = held;
    this.#onDrain = onDrain;
  }

  /** How much is to do; undefined unless the chat server drains. */
  get progress(): { deadline: Date; left: number } | undefined {
    if (this.#deadlineAt === undefined) return undefined;
    const deadline = new Date(Date.now() + this.#deadlineAt - performance.now());
    return { deadline, left: this.#held.undrained };
  }

  /** The drain as the last keep-alive response has it; undefined if there is none, or none any more. */
  update(remainingMs: number | undefined): void {
    if (remainingMs === undefined) {
      this.stop();
      return;
    }
    const now = performance.now();
    const deadlineAt = now + remainingMs;
    if (this.#deadlineAt === undefined && this.#onDrain) this.#schedule();
    // Another drain takes the place of this one, and may be over already.
    if (deadlineAt + MIN_MS < (this.#deadlineAt ?? Infinity)) this.#startedAt = now;
    this.#deadlineAt = deadlineAt;
  }

  /** Chooses no more sessions. May be called twice. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#deadlineAt = undefined;
    this.#held.endDrain();
    this.#due = 0;
  }

  #schedule(): void {
    const since = performance.now();
    this.#timer = setTimeout(
      () => {
        const now = performance.now();
        if (now - since > MAX_TICK_MS) this.#startedAt = now;
        this.#closeSome(Math.min(now - since, MAX_TICK_MS));
        if (this.#timer !== undefined) this.#schedule();
      },
      TICK_MS * (0.5 + Math.random()),
    );
  }

  /** Chooses the sessions that are due after a tick of this length, which has just ended. */
  #closeSome(tickMs: number): void {
    let left = this.#held.undrained;
    const endAt = Math.max(this.#deadlineAt ?? 0, this.#startedAt + MIN_MS);
    this.#due += (left * tickMs) / (tickMs + Math.max(0, endAt - performance.now()));
    const chosen = this.#held.drain(Math.floor(this.#due));
    // Those whose login is in flight are due as soon as it is answered.
    this.#due = Math.min(this.#due - chosen.length, left);
    for (const session of chosen) {
      left -= 1;
      this.#onDrain?.({ ...session, left });
    }
  }
}
