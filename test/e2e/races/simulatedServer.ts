import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  type ConnectOptions,
  connect,
  type EndedSession,
  type ServerSessions,
} from '../../../packages/client/src/index.ts';
import type { Random } from '../../../src/simulation/random.ts';
import type { Connection, World } from './world.ts';

export const LEASE_MS = 3_000;
const CALL_MS = 1_000;
/** A login and a logout are repeated until they are answered. */
const INSIST = { timeoutMs: 3_600_000 };

/** What a chat server works with. */
export interface Surroundings {
  world: World;
  random: Random;
  /** How to find the daemons. */
  daemons: ConnectOptions;
  /** Where calls go that a network delayed: it outlives the chat server that made them. */
  network: Client;
  /** Counts a task that the quiet points wait for. */
  track(task: Promise<unknown>): void;
}

/**
 * A chat server that is one of client.server(): it tells of every connection that it notices to be gone, and closes the connections of
 * sessions that are over. Some of its calls come a second time, late.
 */
export class SimulatedServer {
  readonly addr: string;
  isUp = false;
  #incarnation = 0;
  #client!: Client;
  #sessions!: ServerSessions;
  /** The connections that it believes to have, by session. */
  #held = new Map<string, Connection>();
  readonly #around: Surroundings;

  constructor(addr: string, around: Surroundings) {
    this.addr = addr;
    this.#around = around;
  }

  /** Starts as a new incarnation that knows nothing of the one before. */
  async start(): Promise<void> {
    this.#incarnation += 1;
    this.#held = new Map();
    this.#client = await connect({ ...this.#around.daemons, timeoutMs: CALL_MS });
    this.#sessions = this.#client.server({
      addr: this.addr,
      incarnation: this.#incarnation,
      leaseTtlMs: LEASE_MS,
      onEnded: (ended) => this.#ended(ended),
    });
    this.isUp = true;
  }

  /** Ends at once, in the middle of whatever it does; its connections break. */
  async crash(): Promise<void> {
    this.isUp = false;
    for (const connection of this.#held.values()) this.#around.world.cut(connection);
    this.#held = new Map();
    this.#sessions.close();
    await this.#client.close();
  }

  /** A device has connected. */
  accept(connection: Connection): void {
    this.#held.set(connection.sessionId, connection);
    connection.reported = this.#reportLogin(connection);
    this.#around.track(connection.reported);
  }

  /** It notices that the connection of a session is gone. */
  close(sessionId: string, graceMs = 0): void {
    const connection = this.#held.get(sessionId);
    if (!connection) return;
    this.#held.delete(sessionId);
    this.#around.world.cut(connection);
    this.#around.track(this.#reportLogout(connection, graceMs));
  }

  async #reportLogin(connection: Connection): Promise<void> {
    const { device, sessionId } = connection;
    const { userId, deviceId } = device;
    const login = {
      userId,
      deviceId,
      sessionId,
      platform: deviceId,
      // Some sessions have a time to live as well.
      ...(sessionId.endsWith('7') && { ttlMs: 4_000 }),
    };
    const request = { ...login, serverAddr: this.addr, serverIncarnation: this.#incarnation };
    const answer = await this.#sessions.online(login, INSIST).catch(this.#unlessCrashed());
    if (answer?.endReason) this.#drop(sessionId);
    else if (answer) {
      connection.loginTime = answer.loginTime;
      this.#around.world.begun.push(connection);
    }
    const { loginTime } = connection;
    this.#mayRepeat((network) => network.online({ ...request, loginTime }));
  }

  async #reportLogout({ device, sessionId }: Connection, graceMs: number): Promise<void> {
    const session = { userId: device.userId, deviceId: device.deviceId, sessionId };
    const grace = graceMs > 0 ? { graceMs } : {};
    await this.#sessions.offline(session, { ...grace, ...INSIST }).catch(this.#unlessCrashed());
    this.#mayRepeat((network) => network.offline({ ...session, ...grace }));
  }

  /** Lets a call come again, late, as a network would. */
  #mayRepeat(call: (network: Client) => Promise<unknown>): void {
    const { random, network, track } = this.#around;
    if (!random.chance(0.03)) return;
    track(delay(random.between(1, 2_000)).then(() => call(network).catch(() => {})));
  }

  #unlessCrashed() {
    const incarnation = this.#incarnation;
    return (error: unknown): undefined => {
      if (this.isUp && incarnation === this.#incarnation) throw error;
    };
  }

  /** Its connection is closed. */
  #ended({ sessionId }: EndedSession): void {
    this.#drop(sessionId);
  }

  #drop(sessionId: string): void {
    const connection = this.#held.get(sessionId);
    if (!connection) return;
    this.#held.delete(sessionId);
    this.#around.world.cut(connection);
  }
}
