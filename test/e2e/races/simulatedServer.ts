import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  connect,
  type EndedSession,
  type OnlineRequest,
  type ServerLease,
} from '../../../src/client/index.ts';
import type { Random } from './random.ts';
import type { Connection, World } from './world.ts';

export const LEASE_MS = 3_000;
const HEARTBEAT_MS = 1_000;
const CALL_MS = 1_000;
/** Of a heartbeat. */
const MOST_SESSIONS = 1_000;

/** What a chat server works with. */
export interface Surroundings {
  world: World;
  random: Random;
  endpoints: string[];
  /** Counts a task that the quiet points wait for. */
  track(task: Promise<unknown>): void;
}

/**
 * A chat server as docs/presence.md asks for one: it keeps a lease, repeats its calls until they are answered, tells
 * of every connection that it notices to be gone, sends heartbeats, and closes the connections of sessions that are over.
 */
export class SimulatedServer {
  readonly addr: string;
  isUp = false;
  #incarnation = 0;
  #client!: Client;
  #lease!: ServerLease;
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
    this.#client = await connect({ endpoints: this.#around.endpoints, timeoutMs: CALL_MS });
    this.#lease = this.#client.keepServerAlive({
      ...{ serverAddr: this.addr, incarnation: this.#incarnation, ttlMs: LEASE_MS },
      sessions: () =>
        [...this.#held.values()].filter(({ loginTime }) => loginTime).map((each) => this.#login(each)),
      onEnded: (ended) => this.#take(ended),
    });
    this.isUp = true;
    void this.#beat(this.#incarnation);
  }

  /** Ends at once, in the middle of whatever it does; its connections break. */
  async crash(): Promise<void> {
    this.isUp = false;
    for (const connection of this.#held.values()) this.#around.world.cut(connection);
    this.#held = new Map();
    this.#lease.close();
    await this.#client.close();
  }

  /** A device has connected. */
  accept(connection: Connection): void {
    this.#held.set(connection.sessionId, connection);
    this.#around.track(this.#reportLogin(connection));
  }

  /** It is told, or notices, that the connection of a session is to be closed, or is gone. */
  close(sessionId: string, graceMs = 0): void {
    const connection = this.#held.get(sessionId);
    if (!connection) return;
    this.#held.delete(sessionId);
    this.#around.world.cut(connection);
    this.#around.track(this.#reportLogout(connection, graceMs));
  }

  async #reportLogin(connection: Connection): Promise<void> {
    const { sessionId } = connection;
    const request = this.#login(connection);
    await this.#insist(
      () => this.#held.has(sessionId),
      async () => {
        const { endReason, loginTime, replaced } = await this.#client.online(request);
        if (endReason) this.close(sessionId);
        else if (!connection.loginTime) {
          connection.loginTime = loginTime;
          this.#around.world.begun.push(connection);
        }
        for (const ended of replaced) this.#take(ended);
      },
    );
  }

  async #reportLogout({ device, sessionId }: Connection, graceMs: number): Promise<void> {
    const { userId, deviceId } = device;
    await this.#insist(
      () => true,
      () => this.#client.offline({ userId, deviceId, sessionId, ...(graceMs > 0 && { graceMs }) }),
    );
  }

  /** Calls until it is answered, the server crashes, or nobody wants to know any more; may repeat it afterwards. */
  async #insist(isWanted: () => boolean, call: () => Promise<unknown>): Promise<void> {
    const incarnation = this.#incarnation;
    const goesOn = () => this.isUp && incarnation === this.#incarnation && isWanted();
    while (goesOn()) {
      try {
        await call();
        break;
      } catch {
        await delay(50);
      }
    }
    if (!this.#around.random.chance(0.03)) return;
    await delay(this.#around.random.between(1, 2_000));
    if (this.isUp && incarnation === this.#incarnation) await call().catch(() => {});
  }

  /** Asks now and then which of its sessions are over. */
  async #beat(incarnation: number): Promise<void> {
    while (this.isUp && incarnation === this.#incarnation) {
      const sessions = [...this.#held.values()]
        .filter(({ loginTime }) => loginTime)
        .map(({ device, sessionId }) => ({ userId: device.userId, deviceId: device.deviceId, sessionId }));
      for (let i = 0; i < sessions.length; i += MOST_SESSIONS) {
        const { ended } = await this.#client
          .heartbeat(sessions.slice(i, i + MOST_SESSIONS))
          .catch(() => ({ ended: [] }));
        for (const each of ended) this.#take({ ...each, serverAddr: this.addr });
      }
      await delay(HEARTBEAT_MS);
    }
  }

  /** A session is over: its connection is closed, or it is sent again if it stands and nobody wanted its end. */
  #take({ sessionId, serverAddr, reason }: EndedSession): void {
    const connection = serverAddr === this.addr ? this.#held.get(sessionId) : undefined;
    const isToClose = reason === 'LOGOUT' || reason === 'REPLACED' || reason === 'EVICTED';
    if (isToClose) this.#around.world.tellEnded(serverAddr, sessionId);
    else if (connection) this.#around.track(this.#reportLogin(connection));
  }

  #login({ device, sessionId, loginTime }: Connection): OnlineRequest & { sessionId: string } {
    return {
      ...{ userId: device.userId, deviceId: device.deviceId, serverAddr: this.addr, sessionId },
      ...{ serverIncarnation: this.#incarnation, platform: device.deviceId },
      // Some sessions have a time to live as well.
      ...(sessionId.endsWith('7') && { ttlMs: 4_000 }),
      ...(loginTime && { loginTime }),
    };
  }
}
