import type { Client, ServerSessions } from 'imstate-client';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { PlannedSession } from './population.js';

/** What a simulated chat server works with. */
export interface Surroundings {
  connect(): Promise<Client>;
  /** Stands in front of session ids: those of another simulation are not to come again. */
  run: string;
  /** No daemon answers it any more. */
  onDisconnected(): void;
  /** Another login replaced a session, or it was evicted: the chat server was told. */
  onEnded(): void;
  /** Its lease has ended for good, and it was no crash. */
  onLost(error: ImstateError): void;
}

/** One life of a chat server. */
interface Life {
  client: Client;
  sessions: ServerSessions;
}

/** How many logouts are under way at the same time at the end. */
const LOGOUTS_AT_ONCE = 200;

/**
 * A simulated chat server: a client of its own, with a lease and the sessions that it holds. When it crashes, its connection is cut
 * in the middle of whatever it does, and its lease runs out unless it starts again, as another incarnation, before.
 */
export class ChatServer {
  readonly addr: string;
  readonly #around: Surroundings;
  #life: Promise<Life> | undefined;
  #sessions: ServerSessions | undefined;
  /** When sessions that were logged out with a grace end, the earliest first. */
  #graces = new Map<SessionRef, number>();
  #incarnation = 0;

  constructor(addr: string, around: Surroundings) {
    this.addr = addr;
    this.#around = around;
  }

  /** How many sessions it holds. */
  get size(): number {
    return this.#sessions?.size ?? 0;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** False if it has never been up: nothing of it is online. */
  get hasStarted(): boolean {
    return this.#incarnation > 0;
  }

  /** Resolves once its lease is kept alive. */
  async start(): Promise<void> {
    const life = this.#begin();
    this.#life = life;
    const { sessions } = await life;
    if (life === this.#life) this.#sessions = sessions;
    await sessions.ready;
  }

  /** Ends at once, and knows of nothing any more. */
  async crash(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#sessions = undefined;
    this.#graces.clear();
    // One that could not start has nothing to close.
    await life?.then(
      ({ client }) => client.close(),
      () => {},
    );
  }

  /** Logs a session in; false if the chat server crashed before that was answered. */
  login(session: PlannedSession): Promise<boolean> {
    const { platform } = session.device;
    return this.#call((sessions) => sessions.online({ ...this.#refOf(session), platform }));
  }

  /** Logs a session out; false if the chat server crashed before that was answered. */
  logout(session: PlannedSession, graceMs: number): Promise<boolean> {
    const ref = this.#refOf(session);
    if (graceMs > 0) this.#noteGrace(ref, graceMs);
    return this.#call((sessions) => sessions.offline(ref, { graceMs }));
  }

  /**
   * Logs all its sessions out; returns how many it could not log out. Graces end now too, if they can: those sessions were logged out
   * before, and are not counted. `onAnswer` is called for each answer, with 1, or with 0 for a grace.
   */
  async logoutAll(onAnswer: (sessions: 0 | 1) => void = () => {}): Promise<number> {
    const sessions = this.#sessions;
    if (sessions === undefined) return 0;
    const left = await logOut(sessions, [...sessions], () => onAnswer(1));
    // Where nobody answers they are over soon all the same.
    if (left === 0) await logOut(sessions, [...this.#graces.keys()], () => onAnswer(0));
    return left;
  }

  /** Its sessions outlive it for so long. Milliseconds. */
  async keep(leaseTtlMs: number): Promise<void> {
    const { client, sessions } = (await this.#life) as Life;
    const { incarnation } = sessions;
    sessions.close();
    await client.server({ addr: this.addr, incarnation, leaseTtlMs }).ready;
  }

  /** Those that are over are forgotten: all graces are equally long. */
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
    // Greater than that of the start before, and than those of another simulation before.
    const incarnation = Math.max(Date.now(), this.#incarnation + 1);
    this.#incarnation = incarnation;
    const sessions = client.server({ addr: this.addr, incarnation, onDisconnected, onEnded });
    void sessions.lost.then(onLost);
    return { client, sessions };
  }

  /** What a call of a chat server that has crashed comes to, nobody is there to see. */
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

/** Returns how many of them it could not log out. */
async function logOut(sessions: ServerSessions, all: SessionRef[], onAnswer: () => void): Promise<number> {
  for (let i = 0; i < all.length; i += LOGOUTS_AT_ONCE) {
    const some = all.slice(i, i + LOGOUTS_AT_ONCE).map((session) => sessions.offline(session).then(onAnswer));
    const results = await Promise.allSettled(some);
    const failed = results.filter(({ status }) => status === 'rejected').length;
    // Nobody is there: the others would wait as long, and end with the lease all the same.
    if (failed > 0) return failed + Math.max(0, all.length - i - LOGOUTS_AT_ONCE);
  }
  return 0;
}
