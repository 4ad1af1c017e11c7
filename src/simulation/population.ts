import type { Plan } from './plan.js';
import type { Random } from './random.js';

/** A device of somebody in the town. */
export interface Device {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: string;
  /** Its connection, as the device sees it. */
  session: PlannedSession | undefined;
  /** Where it stands among those that are away; -1 if it does not. */
  place: number;
}

/** A connection of a device to a chat server. */
export interface PlannedSession {
  /** Counts the sessions of the town. */
  readonly number: number;
  readonly device: Device;
  /** Which chat server has it, counted from 0. */
  readonly server: number;
}

const DEVICES = [
  { deviceId: 'phone', platforms: ['android', 'ios'] },
  { deviceId: 'web', platforms: ['web'] },
  { deviceId: 'desktop', platforms: ['linux', 'macos', 'windows'] },
  { deviceId: 'tablet', platforms: ['android', 'ipados'] },
] as const;

/** How many devices a user can have. */
export const MAX_DEVICES = DEVICES.length;

/** The people of a simulation: who has which devices, and where these are connected. Chance is all that it asks. */
export class Population {
  readonly devices: readonly Device[];
  readonly #users: readonly string[];
  readonly #random: Random;
  /** Devices that are not connected and not about to be. */
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
        place: -1,
      })),
    );
    for (const device of this.devices) this.#leave(device);
    this.#sessions = Array.from({ length: servers }, () => new Set<PlannedSession>());
    this.#up = this.#sessions.map((_, i) => i);
  }

  /** A user, online or not. */
  anyUser(): string {
    return this.#random.pick(this.#users);
  }

  /** A device that is away; undefined if none is. */
  deviceAway(): Device | undefined {
    return this.#away.length === 0 ? undefined : this.#random.pick(this.#away);
  }

  /** A device, connected or not. */
  anyDevice(): Device {
    return this.#random.pick(this.devices);
  }

  /** The device connects to a chat server that is up; a connection that it has is forgotten. */
  connect(device: Device): PlannedSession {
    if (device.session !== undefined) this.#forget(device.session);
    this.#come(device);
    const session = { number: ++this.#count, device, server: this.#random.pick(this.#up) };
    this.#sessions[session.server]?.add(session);
    device.session = session;
    return session;
  }

  /** The connection ends; a device that `returns` is not away, but about to connect again. */
  disconnect(session: PlannedSession, returns: boolean): void {
    this.#forget(session);
    session.device.session = undefined;
    if (!returns) this.#leave(session.device);
  }

  /** A chat server is gone, with its sessions, whose devices are about to connect again; undefined if there is only one left. */
  crash(): { server: number; devices: Device[] } | undefined {
    if (this.#up.length < 2) return undefined;
    const at = this.#random.between(0, this.#up.length - 1);
    const server = this.#up.splice(at, 1)[0] as number;
    const sessions = [...(this.#sessions[server] as Set<PlannedSession>)];
    for (const session of sessions) this.disconnect(session, true);
    return { server, devices: sessions.map(({ device }) => device) };
  }

  /** The chat server is there again. */
  restart(server: number): void {
    this.#up.push(server);
  }

  #forget(session: PlannedSession): void {
    this.#sessions[session.server]?.delete(session);
  }

  #leave(device: Device): void {
    device.place = this.#away.push(device) - 1;
  }

  /** The last of those that are away takes its place. */
  #come(device: Device): void {
    if (device.place < 0) return;
    const last = this.#away.pop() as Device;
    if (last !== device) {
      this.#away[device.place] = last;
      last.place = device.place;
    }
    device.place = -1;
  }
}
