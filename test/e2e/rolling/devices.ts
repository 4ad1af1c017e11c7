import { WebSocket } from 'ws';

/** Devices that stay connected to some chat server: when a connection closes, they connect to another one. */
export class Devices {
  readonly #urls: readonly string[];
  readonly #sockets = new Map<string, WebSocket>();
  /** How long the slowest device was without a login since {@link slowest} was called. Milliseconds. */
  #slowestMs = 0;
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
        const closedAt = performance.now();
        void this.connect(userId, at + 1).then(() => {
          this.#slowestMs = Math.max(this.#slowestMs, performance.now() - closedAt);
          resolve();
        });
      });
    });
  }

  /** How long the slowest device has taken to move since the last call. Milliseconds. */
  slowest(): number {
    const slowestMs = this.#slowestMs;
    this.#slowestMs = 0;
    return slowestMs;
  }

  close(): void {
    this.#isOver = true;
    for (const socket of this.#sockets.values()) socket.terminate();
  }
}
