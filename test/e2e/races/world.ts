import type { SimulatedServer } from './simulatedServer.ts';

/** A device, and the connection it really has. */
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
  /** Undefined until the login was answered. */
  loginTime: Date | undefined;
  /** Settled once the login was answered. */
  reported: Promise<void>;
}

/** What is true: which device is connected where. Chat servers know of it only what they notice. */
export class World {
  readonly devices: Device[];
  readonly servers: SimulatedServer[] = [];
  /** Every session whose login was answered as begun. */
  readonly begun: Connection[] = [];
  #sessions = 0;

  constructor(name: string, users: number, devicesPerUser: number) {
    this.devices = Array.from({ length: users * devicesPerUser }, (_, i) => ({
      userId: `${name}-${i % users}`,
      deviceId: `device-${Math.floor(i / users)}`,
      connection: undefined,
    }));
  }

  /** The device connects to the chat server; a connection that it still has breaks, unnoticed by its chat server. */
  connect(device: Device, server: SimulatedServer): void {
    const sessionId = `s-${this.#sessions++}`;
    device.connection = { device, server, sessionId, loginTime: undefined, reported: Promise.resolve() };
    server.accept(device.connection);
  }

  /** The connection is gone. */
  cut(connection: Connection): void {
    if (connection.device.connection === connection) connection.device.connection = undefined;
  }

  /** A chat server is told that a session is over, and closes the connection if it has it. */
  tellEnded(serverAddr: string, sessionId: string): void {
    this.servers.find((server) => server.addr === serverAddr)?.close(sessionId);
  }

  /** The connections that stand, by "user/device". */
  truth(): Map<string, Connection> {
    return new Map(
      this.devices.flatMap(({ userId, deviceId, connection }) =>
        connection ? [[`${userId}/${deviceId}`, connection] as const] : [],
      ),
    );
  }
}
