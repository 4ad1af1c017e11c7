import { setTimeout as delay } from 'node:timers/promises';
import type { EndReason } from '../calls/messages.js';
import type { SessionRef } from '../shared/session.js';
import type { ServerLogin } from './serverMessages.js';

/** A session that the chat server holds. */
export interface HeldSession {
  readonly login: ServerLogin & { sessionId: string };
  /** Undefined until its login was answered. */
  loginTime: Date | undefined;
  /** The latest call for it; never rejects. */
  inFlight: Promise<unknown>;
  /** Why it ended while its login was in flight. */
  endReason: EndReason | undefined;
}

/** How long a step of {@link HeldSessions.forEach} takes at least. */
const STEP_MS = 50;

/** The sessions that a chat server holds. Calls for one session run one after the other. */
export class HeldSessions {
  readonly #sessions = new Map<string, HeldSession>();
  /** The IDs of those that were chosen to be closed. */
  readonly #drained = new Set<string>();
  readonly #perSecond: number;

  /** `perSecond` limits {@link forEach}. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(sessionId: string): HeldSession | undefined {
    return this.#sessions.get(sessionId);
  }

  *[Symbol.iterator](): Generator<SessionRef> {
    for (const { login } of this.#sessions.values()) yield refOf(login);
  }

  /** How many were not chosen by {@link drain}. */
  get undrained(): number {
    return this.#sessions.size - this.#drained.size;
  }

  /** Chooses up to `count` sessions to close, each once. Their login was answered: the chat server knows them. */
  drain(count: number): SessionRef[] {
    const chosen: SessionRef[] = [];
    if (count === 0) return chosen;
    for (const { login, loginTime } of this.#sessions.values()) {
      if (loginTime === undefined || this.#drained.has(login.sessionId)) continue;
      this.#drained.add(login.sessionId);
      if (chosen.push(refOf(login)) === count) break;
    }
    return chosen;
  }

  /** The next {@link drain} begins anew. */
  endDrain(): void {
    this.#drained.clear();
  }

  /** Holds a session from its login on. A repeated login continues the session, after the call in flight. */
  add(login: HeldSession['login']): HeldSession {
    const before = this.#sessions.get(login.sessionId);
    const held: HeldSession = {
      login,
      loginTime: before?.loginTime,
      inFlight: before?.inFlight ?? Promise.resolve(),
      endReason: undefined,
    };
    this.#sessions.set(login.sessionId, held);
    return held;
  }

  /** Removes a session by its ID, and returns it. */
  remove(sessionId: string): HeldSession | undefined {
    const held = this.#sessions.get(sessionId);
    this.#sessions.delete(sessionId);
    this.#drained.delete(sessionId);
    return held;
  }

  /** Removes a session unless another login has continued it; returns whether it was held. */
  drop(held: HeldSession): boolean {
    return this.isHeld(held) && this.remove(held.login.sessionId) !== undefined;
  }

  isHeld(held: HeldSession): boolean {
    return this.#sessions.get(held.login.sessionId) === held;
  }

  /** Makes a call for a session after the call in flight. */
  callInTurn<T>(held: HeldSession, call: () => Promise<T>): Promise<T> {
    const made = held.inFlight.then(call);
    held.inFlight = made.catch(() => {});
    return made;
  }

  /**
   * Processes each session that is held now, and still is once its call in flight has ended, at a limited
   * rate. Rejects with the first error, or if the signal aborts.
   */
  async forEach(signal: AbortSignal, action: (held: HeldSession) => Promise<void>): Promise<void> {
    const perStep = Math.max(1, Math.floor((this.#perSecond * STEP_MS) / 1_000));
    const stepMs = (perStep / this.#perSecond) * 1_000;
    const all = [...this.#sessions.values()];
    for (let i = 0; i < all.length; i += perStep) {
      const startedAt = performance.now();
      await this.#settle(all.slice(i, i + perStep), action);
      const restMs = stepMs - (performance.now() - startedAt);
      if (i + perStep < all.length && restMs > 0) await delay(restMs, undefined, { signal });
      signal.throwIfAborted();
    }
  }

  /** Waits for all of them even if one fails: a call in flight may be applied. */
  async #settle(some: HeldSession[], action: (held: HeldSession) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(
      some.map(async (held) => {
        await held.inFlight;
        if (this.isHeld(held)) await action(held);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

/** The fields that name a session, without any others. */
export function refOf({ userId, deviceId, sessionId }: SessionRef): SessionRef {
  return { userId, deviceId, sessionId };
}
