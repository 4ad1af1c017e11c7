import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An event as the receiver sees it. */
export interface ReceivedEvent {
  id: string;
  type: string;
  subject?: string;
  data: { session?: { sessionId: string } | null; ended?: { sessionId: string } | null };
}

/** A webhook that keeps what it receives. */
export class WebhookReceiver {
  readonly events: ReceivedEvent[] = [];
  /** Whether it answers with 503. */
  isDown = false;
  readonly #server: Server;

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (this.isDown) {
          response.writeHead(503, { 'retry-after': '0' }).end();
          return;
        }
        this.events.push(...JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(204).end();
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/presence`;
  }

  /** How many different events there are. */
  get distinct(): number {
    return new Set(this.events.map(({ id }) => id)).size;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
