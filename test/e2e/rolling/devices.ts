import { WebSocket } from 'ws';

const RETRY_MS = 20;

/** Devices that stay connected to some chat server: when a connection closes, they connect to another one. */
export class Devices {
  readonly #urls: readonly string[];
  readonly #sockets = new Map<string, WebSocket>();
  #isOver = false;

  /** `urls` are those of the chat servers. */
  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** Resolves once the device of the user is logged in, at this chat server or a later one. */
  connect(userId: string, at: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${this.#urls[at % this.#urls.length]}/?user=${userId}&device=phone`);
      this.#sockets.set(userId, socket);
      // The close event follows.
      socket.on('error', () => {});
      socket.once('message', () => resolve());
      socket.once('close', () => {
        if (this.#isOver) return;
        setTimeout(() => void this.connect(userId, at + 1).then(resolve), RETRY_MS * Math.random());
      });
    });
  }

  close(): void {
    this.#isOver = true;
    for (const socket of this.#sockets.values()) socket.terminate();
  }
}
