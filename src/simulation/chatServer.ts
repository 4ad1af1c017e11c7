import type { Client, ServerSessions } from 'imstate-client';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { PlannedSession } from './population.js';

/** Dependencies of a simulated chat server. */
export interface Surroundings {
  connect(): Promise<Client>;
  /** Prefix of session ids, unique to this simulation. */
  run: string;
  /** Called when no daemon answers. */
  onDisconnected(): void;
  /** Called when a session was replaced or evicted. */
  onEnded(): void;
  /** Called when its lease has ended for good without a crash. */
  onLost(error: ImstateError): void;
}

/** One incarnation of a chat server. */
interface Life {
  client: Client;
  sessions: ServerSessions;
}

/** How many logouts are in flight at once at the end. */
const LOGOUTS_AT_ONCE = 200;

/**
 * A simulated chat server: a client with a lease and its sessions. A crash closes its connection with calls
 * in flight; its lease expires unless it restarts, as the next incarnation, in time.
 */
export class ChatServer {
  readonly addr: string;
  readonly #around: Surroundings;
  #life: Promise<Life> | undefined;
  #sessions: ServerSessions | undefined;
  /** Ends of sessions in their grace period, earliest first. */
  #graces = new Map<SessionRef, number>();
  #incarnation = 0;

  constructor(addr: string, around: Surroundings) {
    this.addr = addr;
    this.#around = around;
  }

  /** Number of sessions. */
  get size(): number {
    return this.#sessions?.size ?? 0;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** False if it never started: none of its sessions is online. */
  get hasStarted(): boolean {
    return this.#incarnation > 0;
  }

  /** Resolves once its lease is alive. */
  async start(): Promise<void> {
    const life = this.#begin();
    this.#life = life;
    const { sessions } = await life;
    if (life === this.#life) this.#sessions = sessions;
    await sessions.ready;
  }

  /** Crashes: closes its client and drops its state. */
  async crash(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#sessions = undefined;
    this.#graces.clear();
    // A server that could not start has nothing to close.
    await life?.then(
      ({ client }) => client.close(),
      () => {},
    );
  }

  /** Logs a session in; false if the chat server crashed before the response. */
  login(session: PlannedSession): Promise<boolean> {
    const { platform } = session.device;
    return this.#call((sessions) => sessions.online({ ...this.#refOf(session), platform }));
  }

  /** Logs a session out; false if the chat server crashed before the response. */
  logout(session: PlannedSession, graceMs: number): Promise<boolean> {
    const ref = this.#refOf(session);
    if (graceMs > 0) this.#noteGrace(ref, graceMs);
    return this.#call((sessions) => sessions.offline(ref, { graceMs }));
  }

  /**
   * Logs all its sessions out; returns how many it could not log out. Graces end now too, if they can: those
   * sessions were logged out before, and are not counted. Calls `onAnswer` for each response, with 1, or with
   * 0 in a grace period.
   */
  async logoutAll(onAnswer: (sessions: 0 | 1) => void = () => {}): Promise<number> {
    const sessions = this.#sessions;
    if (sessions === undefined) return 0;
    const left = await logOut(sessions, [...sessions], () => onAnswer(1));
    // Without a daemon they expire soon anyway.
    if (left === 0) await logOut(sessions, [...this.#graces.keys()], () => onAnswer(0));
    return left;
  }

  /** How long its sessions outlive it. Milliseconds. */
  async keep(leaseTtlMs: number): Promise<void> {
    const { client, sessions } = (await this.#life) as Life;
    const { incarnation } = sessions;
    sessions.close();
    await client.server({ addr: this.addr, incarnation, leaseTtlMs }).ready;
  }

  /** Drops those that have ended: all grace periods are equally long. */
  #noteGrace(ref: SessionRef, graceMs: number): void {
    const now = performance.now();
    for (const [other, endMs] of this.#graces) {
      if (endMs > now) break;
      this.#graces.delete(other);
    }
    this.#graces.set(ref, now + graceMs);
  }

  #refOf({ number, device: { userId, deviceId } }: PlannedSession) {
    return { userId, deviceId, sessionId: `${this.#around.run}-${number}` };
  }

  async #begin(): Promise<Life> {
    const { connect, onDisconnected, onEnded, onLost } = this.#around;
    const client = await connect();
    // Greater than the previous incarnation, also of an earlier simulation.
    const incarnation = Math.max(Date.now(), this.#incarnation + 1);
    this.#incarnation = incarnation;
    const sessions = client.server({ addr: this.addr, incarnation, onDisconnected, onEnded });
    void sessions.lost.then(onLost);
    return { client, sessions };
  }

  /** Ignores the result of a call whose chat server has crashed. */
  async #call(make: (sessions: ServerSessions) => Promise<unknown>): Promise<boolean> {
    const life = this.#life;
    if (life === undefined) return false;
    try {
      await make((await life).sessions);
    } catch (error) {
      if (life === this.#life) throw error;
    }
    return life === this.#life;
  }
}

/** Returns how many sessions it could not log out. */
async function logOut(sessions: ServerSessions, all: SessionRef[], onAnswer: () => void): Promise<number> {
  for (let i = 0; i < all.length; i += LOGOUTS_AT_ONCE) {
    const some = all.slice(i, i + LOGOUTS_AT_ONCE).map((session) => sessions.offline(session).then(onAnswer));
    const results = await Promise.allSettled(some);
    const failed = results.filter(({ status }) => status === 'rejected').length;
    // No daemon answers: the other sessions end with the lease.
    if (failed > 0) return failed + Math.max(0, all.length - i - LOGOUTS_AT_ONCE);
  }
  return 0;
}
