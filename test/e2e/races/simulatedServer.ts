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
/** Logins and logouts are retried until they succeed. */
const RETRY_FOR_AN_HOUR = { timeoutMs: 3_600_000 };

/** What a simulated chat server needs. */
export interface ServerEnvironment {
  world: World;
  random: Random;
  /** How to find the daemons. */
  daemons: ConnectOptions;
  /** Sends delayed duplicates of calls; it outlives the chat server that made them. */
  network: Client;
  /** Registers a task that quiet points wait for. */
  track(task: Promise<unknown>): void;
}

/**
 * A chat server that uses client.server(): it reports every broken connection that it notices, and closes the
 * connections of ended sessions. Some of its calls arrive a second time, late.
 */
export class SimulatedServer {
  readonly addr: string;
  isUp = false;
  #incarnation = 0;
  #client!: Client;
  #sessions!: ServerSessions;
  /** The connections that it believes to be open, by session. */
  #held = new Map<string, Connection>();
  readonly #environment: ServerEnvironment;

  constructor(addr: string, environment: ServerEnvironment) {
    this.addr = addr;
    this.#environment = environment;
  }

  /** Starts as a new incarnation without the sessions of the previous one. */
  async start(): Promise<void> {
    this.#incarnation += 1;
    this.#held = new Map();
    this.#client = await connect({ ...this.#environment.daemons, timeoutMs: CALL_MS });
    this.#sessions = this.#client.server({
      addr: this.addr,
      incarnation: this.#incarnation,
      leaseTtlMs: LEASE_MS,
      onEnded: (ended) => this.#ended(ended),
    });
    this.isUp = true;
  }

  /** Ends immediately, whatever is in flight; its connections break. */
  async crash(): Promise<void> {
    this.isUp = false;
    for (const connection of this.#held.values()) this.#environment.world.cut(connection);
    this.#held = new Map();
    this.#sessions.close();
    await this.#client.close();
  }

  /** Called when a device connects. */
  accept(connection: Connection): void {
    this.#held.set(connection.sessionId, connection);
    connection.reported = this.#reportLogin(connection);
    this.#environment.track(connection.reported);
  }

  /** Called when the chat server notices that the connection of a session is gone. */
  close(sessionId: string, graceMs = 0): void {
    const connection = this.#held.get(sessionId);
    if (!connection) return;
    this.#held.delete(sessionId);
    this.#environment.world.cut(connection);
    this.#environment.track(this.#reportLogout(connection, graceMs));
  }

  async #reportLogin(connection: Connection): Promise<void> {
    const { device, sessionId } = connection;
    const { userId, deviceId } = device;
    const login = {
      userId,
      deviceId,
      sessionId,
      platform: deviceId,
      // Some sessions also have a time to live.
      ...(sessionId.endsWith('7') && { ttlMs: 4_000 }),
    };
    const request = { ...login, serverAddr: this.addr, serverIncarnation: this.#incarnation };
    const answer = await this.#sessions.online(login, RETRY_FOR_AN_HOUR).catch(this.#unlessCrashed());
    if (answer?.endReason) this.#drop(sessionId);
    else if (answer) {
      connection.loginTime = answer.loginTime;
      this.#environment.world.begun.push(connection);
    }
    const { loginTime } = connection;
    this.#mayRepeat((network) => network.online({ ...request, loginTime }));
  }

  async #reportLogout({ device, sessionId }: Connection, graceMs: number): Promise<void> {
    const session = { userId: device.userId, deviceId: device.deviceId, sessionId };
    const grace = graceMs > 0 ? { graceMs } : {};
    await this.#sessions.offline(session, { ...grace, ...RETRY_FOR_AN_HOUR }).catch(this.#unlessCrashed());
    this.#mayRepeat((network) => network.offline({ ...session, ...grace }));
  }

  /** Repeats some calls later, as a network may. */
  #mayRepeat(call: (network: Client) => Promise<unknown>): void {
    const { random, network, track } = this.#environment;
    if (!random.chance(0.03)) return;
    track(delay(random.between(1, 2_000)).then(() => call(network).catch(() => {})));
  }

  #unlessCrashed() {
    const incarnation = this.#incarnation;
    return (error: unknown): undefined => {
      if (this.isUp && incarnation === this.#incarnation) throw error;
    };
  }

  /** Closes the connection of an ended session. */
  #ended({ sessionId }: EndedSession): void {
    this.#drop(sessionId);
  }

  #drop(sessionId: string): void {
    const connection = this.#held.get(sessionId);
    if (!connection) return;
    this.#held.delete(sessionId);
    this.#environment.world.cut(connection);
  }
}
