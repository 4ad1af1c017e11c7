import type { Plan } from './plan.js';
import type { Random } from './random.js';

/** A device of a simulated user. */
export interface Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: string;
  /** Its connection, from the point of view of the device. */
  session: PlannedSession | undefined;
  /** Its index among the disconnected devices; -1 if it is not one of them. */
  awayIndex: number;
}

/** A connection of a device to a chat server. */
export interface PlannedSession {
  /** Sequence number of the session. */
  readonly number: number;
  readonly device: Device;
  /** Index of its chat server. */
  readonly server: number;
}

const DEVICES = [
  { deviceId: 'phone', platforms: ['android', 'ios'] },
  { deviceId: 'web', platforms: ['web'] },
  { deviceId: 'desktop', platforms: ['linux', 'macos', 'windows'] },
  { deviceId: 'tablet', platforms: ['android', 'ipados'] },
] as const;

/** Maximum devices per user. */
export const MAX_DEVICES = DEVICES.length;

/**
 * The simulated users: their devices, and where each is connected. Its only input is the random generator.
 */
export class Population {
  readonly devices: readonly Device[];
  readonly #users: readonly string[];
  readonly #random: Random;
  /** Devices that are neither connected nor reconnecting. */
  readonly #away: Device[] = [];
  /** The sessions of each chat server. */
  readonly #sessions: readonly Set<PlannedSession>[];
  readonly #up: number[];
  #count = 0;

  constructor({ users, devices, servers, prefix }: Plan, random: Random) {
    this.#random = random;
    this.#users = Array.from({ length: users }, (_, i) => `${prefix}user-${i + 1}`);
    this.devices = this.#users.flatMap((userId) =>
      DEVICES.slice(0, random.between(1, devices)).map(({ deviceId, platforms }) => ({
        userId,
        deviceId,
        platform: random.pick<string>(platforms),
        session: undefined,
        awayIndex: -1,
      })),
    );
    for (const device of this.devices) this.#addAway(device);
    this.#sessions = Array.from({ length: servers }, () => new Set<PlannedSession>());
    this.#up = this.#sessions.map((_, i) => i);
  }

  /** A random user, online or not. */
  anyUser(): string {
    return this.#random.pick(this.#users);
  }

  /** A random disconnected device; undefined if there is none. */
  deviceAway(): Device | undefined {
    return this.#away.length === 0 ? undefined : this.#random.pick(this.#away);
  }

  /** A random device, connected or not. */
  anyDevice(): Device {
    return this.#random.pick(this.devices);
  }

  /** Connects the device to a running chat server, in place of its previous connection. */
  connect(device: Device): PlannedSession {
    if (device.session !== undefined) this.#removeSession(device.session);
    this.#removeAway(device);
    const session = { number: ++this.#count, device, server: this.#random.pick(this.#up) };
    this.#sessions[session.server]?.add(session);
    device.session = session;
    return session;
  }

  /** Ends the connection; a device that `returns` will reconnect. */
  disconnect(session: PlannedSession, returns: boolean): void {
    this.#removeSession(session);
    session.device.session = undefined;
    if (!returns) this.#addAway(session.device);
  }

  /** Crashes a chat server, whose devices will reconnect; undefined if only one is left. */
  crash(): { server: number; devices: Device[] } | undefined {
    if (this.#up.length < 2) return undefined;
    const at = this.#random.between(0, this.#up.length - 1);
    const server = this.#up.splice(at, 1)[0] as number;
    const sessions = [...(this.#sessions[server] as Set<PlannedSession>)];
    for (const session of sessions) this.disconnect(session, true);
    return { server, devices: sessions.map(({ device }) => device) };
  }

  /** Restarts the chat server. */
  restart(server: number): void {
    this.#up.push(server);
  }

  #removeSession(session: PlannedSession): void {
    this.#sessions[session.server]?.delete(session);
  }

  #addAway(device: Device): void {
    device.awayIndex = this.#away.push(device) - 1;
  }

  /** The last disconnected device takes its index. */
  #removeAway(device: Device): void {
    if (device.awayIndex < 0) return;
    const last = this.#away.pop() as Device;
    if (last !== device) {
      this.#away[device.awayIndex] = last;
      last.awayIndex = device.awayIndex;
    }
    device.awayIndex = -1;
  }
}
