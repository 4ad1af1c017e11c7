import type { Server, Socket } from 'node:net';

/**
 * The open sockets of a server in any state: before a TLS handshake, between two requests, or half closed. A
 * server that closes knows only some of them, and waits for those: a peer that never answers would keep the
 * process alive.
 */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();

  /** Follows the sockets of this server. */
  follow(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Destroys them, and drops what was not sent. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
