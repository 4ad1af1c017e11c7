import type { Server, Socket } from 'node:net';

/**
 * The sockets that a server has accepted and that are still open, in whatever state: before a TLS handshake, between two requests, or
 * half closed. A server that closes knows only some of them, and ends those politely: a peer that never answers keeps the process alive.
 */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();

  /** Keeps account of the sockets of this server. */
  follow(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Closes them now, whatever has not been sent yet. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
