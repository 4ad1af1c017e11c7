import type { SimulatedServer } from './simulatedServer.ts';

/** A device and its actual connection. */
export interface Device {
  userId: string;
  deviceId: string;
  connection: Connection | undefined;
}

/** A connection of a device to a chat server: one session. */
export interface Connection {
  device: Device;
  server: SimulatedServer;
  sessionId: string;
  /** Undefined until the login is answered. */
  loginTime: Date | undefined;
  /** Settled when the login is answered. */
  reported: Promise<void>;
}

/** The truth: which device is connected where. Chat servers know only what they notice. */
export class World {
  readonly devices: Device[];
  readonly servers: SimulatedServer[] = [];
  /** Every session whose login succeeded. */
  readonly begun: Connection[] = [];
  #sessions = 0;

  constructor(name: string, users: number, devicesPerUser: number) {
    this.devices = Array.from({ length: users * devicesPerUser }, (_, i) => ({
      userId: `${name}-${i % users}`,
      deviceId: `device-${Math.floor(i / users)}`,
      connection: undefined,
    }));
  }

  /** Connects a device to a chat server. Its previous connection breaks, unnoticed by its chat server. */
  connect(device: Device, server: SimulatedServer): void {
    const sessionId = `s-${this.#sessions++}`;
    device.connection = { device, server, sessionId, loginTime: undefined, reported: Promise.resolve() };
    server.accept(device.connection);
  }

  /** Breaks a connection. */
  cut(connection: Connection): void {
    if (connection.device.connection === connection) connection.device.connection = undefined;
  }

  /** The open connections, by "user/device". */
  truth(): Map<string, Connection> {
    return new Map(
      this.devices.flatMap(({ userId, deviceId, connection }) =>
        connection ? [[`${userId}/${deviceId}`, connection] as const] : [],
      ),
    );
  }
}
