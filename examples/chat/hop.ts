import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parse } from './protocol.ts';

/** A message on its way to devices that one instance holds. */
export interface Delivery {
  /** Which connections: a device that has logged in elsewhere since is not one of them. */
  sessionIds: string[];
  from: string;
  text: string;
}

/** Nobody waits longer for another instance, which may have died a moment ago. */
const TIMEOUT_MS = 2_000;

/** The port on which other instances hand over messages. It trusts them: let nobody else reach it. */
export class HopServer {
  /** host:port, by which imstate names this instance. */
  readonly addr: string;
  readonly #server: Server;

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.addr = `${address}:${port}`;
    this.#server = server;
  }

  /** Listens; `take` returns how many devices took the message. */
  static async listen(host: string, port: number, take: (delivery: Delivery) => number): Promise<HopServer> {
    const server = createServer(async (request, response) => {
      const delivery = parse(await text(request).catch(() => '')) as Delivery | null | undefined;
      if (!Array.isArray(delivery?.sessionIds)) response.writeHead(400).end();
      else response.end(JSON.stringify({ devices: take(delivery) }));
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

/** Hands a message to the instance at an address; resolves with how many devices took it, rejects if it does not answer. */
export async function handOver(addr: string, delivery: Delivery): Promise<number> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new Error(`${addr} does not answer`)), TIMEOUT_MS);
  try {
    const body = JSON.stringify(delivery);
    const response = await fetch(`http://${addr}/`, { method: 'POST', body, signal: over.signal });
    if (!response.ok) throw new Error(`${addr} answers with ${response.status}`);
    return ((await response.json()) as { devices: number }).devices;
  } finally {
    clearTimeout(timer);
  }
}
