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
  /** Where calls go that a network delayed: it outlives the chat server that made them. */
  network: Client;
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
    connection.reported = this.#reportLogin(connection);
    this.#around.track(connection.reported);
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
    await this.#insist(async (client) => {
      const { endReason, loginTime, replaced } = await client.online(request);
      if (endReason) this.close(sessionId);
      else if (!connection.loginTime) {
        connection.loginTime = loginTime;
        this.#around.world.begun.push(connection);
      }
      for (const ended of replaced) this.#take(ended);
    });
  }

  /** Only once the login was answered: one that is still on its way could arrive after the logout. */
  async #reportLogout({ device, sessionId, reported }: Connection, graceMs: number): Promise<void> {
    await reported;
    const { userId, deviceId } = device;
    await this.#insist((client) =>
      client.offline({ userId, deviceId, sessionId, ...(graceMs > 0 && { graceMs }) }),
    );
  }

  /** Calls until it is answered or the server crashes; may repeat it afterwards, as a network would. */
  async #insist(call: (client: Client) => Promise<unknown>): Promise<void> {
    const incarnation = this.#incarnation;
    const goesOn = () => this.isUp && incarnation === this.#incarnation;
    while (goesOn()) {
      try {
        await call(this.#client);
        break;
      } catch {
        await delay(50);
      }
    }
    if (this.#around.random.chance(0.03)) this.#around.track(this.#repeat(call));
  }

  async #repeat(call: (client: Client) => Promise<unknown>): Promise<void> {
    await delay(this.#around.random.between(1, 2_000));
    await call(this.#around.network).catch(() => {});
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
    else if (connection) {
      connection.reported = connection.reported.then(() => this.#reportLogin(connection));
      this.#around.track(connection.reported);
    }
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
