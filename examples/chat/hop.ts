import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parse } from './protocol.ts';

/** A message for devices that are connected to one instance. */
export interface Delivery {
  /** The sessions, so that a device that has logged in elsewhere since is excluded. */
  sessionIds: string[];
  from: string;
  text: string;
}

/** Deadline for another instance, which may be down. */
const TIMEOUT_MS = 2_000;

/** The port that receives messages of other instances. It trusts all callers: protect it with a firewall. */
export class HopServer {
  /** host:port of this instance in imstate. */
  readonly addr: string;
  readonly #server: Server;

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.addr = `${address}:${port}`;
    this.#server = server;
  }

  /** Listens; `deliver` returns how many devices received the message. */
  static async listen(
    host: string,
    port: number,
    deliver: (delivery: Delivery) => number,
  ): Promise<HopServer> {
    const server = createServer(async (request, response) => {
      const delivery = parse(await text(request).catch(() => '')) as Delivery | null | undefined;
      if (!Array.isArray(delivery?.sessionIds)) response.writeHead(400).end();
      else response.end(JSON.stringify({ devices: deliver(delivery) }));
    });
    server.listen(port, host);
    await once(server, 'listening');
    return new HopServer(server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/**
 * Sends a message to the instance at an address. Resolves with the number of devices that received it;
 * rejects if the instance does not respond.
 */
export async function sendToInstance(addr: string, delivery: Delivery): Promise<number> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new Error(`${addr} does not respond`)), TIMEOUT_MS);
  try {
    const body = JSON.stringify(delivery);
    const response = await fetch(`http://${addr}/`, { method: 'POST', body, signal: over.signal });
    if (!response.ok) throw new Error(`${addr} responds with ${response.status}`);
    return ((await response.json()) as { devices: number }).devices;
  } finally {
    clearTimeout(timer);
  }
}
