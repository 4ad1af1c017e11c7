import { createServer, type Server, type Socket } from 'node:net';
import type { HostPort } from 'imstate-client/internal/shared/address';
import type { Logger } from 'pino';
import { boundsOf, type LoadLimits } from '../../presence/limits.js';
import { listenAt } from '../listening.js';
import type { ConnectionCounts } from './connectionCounts.js';
import { OpenSockets } from './openSockets.js';

/** The length of the HTTP/2 preface. */
const PREFACE_BYTES = 24;
const LOG_INTERVAL_MS = 10_000;

/** Listens, and passes connections on up to a limit. grpc-js accepts any number. */
export class Connections {
  readonly #server: Server;
  readonly #open = new OpenSockets();
  readonly #log: Logger;
  #loggedAt = -Infinity;

  constructor(limits: LoadLimits, log: Logger, counts: ConnectionCounts) {
    const { maxConnections } = limits;
    const { silenceMs } = boundsOf(limits);
    this.#log = log;
    this.#server = createServer({ noDelay: true }, (socket) => closeIfSilent(socket, silenceMs));
    this.#server.maxConnections = maxConnections;
    this.#open.follow(this.#server);
    this.#server.on('drop', () => {
      counts.closed.limit += 1;
      this.#logDropped(maxConnections);
    });
  }

  /**
   * Resolves with the port once connections are accepted there. `take` receives each connection before
   * anything is read from it.
   */
  async listen(address: HostPort, take: (socket: Socket) => void): Promise<number> {
    const server = this.#server.on('connection', take);
    const port = await listenAt(server, address, { addr: '--addr', port: '--port' });
    // A connection could not be accepted, because too many files are open. Open connections are not affected.
    server.on('error', (error) => this.#log.warn({ err: error }, 'cannot accept a connection'));
    return port;
  }

  /** Accepts no further connection. Open ones are not affected. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Destroys the connections that are left. */
  destroy(): void {
    this.#open.destroy();
  }

  #logDropped(max: number): void {
    if (performance.now() - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#loggedAt = performance.now();
    this.#log.warn({ limit: max }, 'connection limit reached, closing further ones: raise --max-connections');
  }
}

/** Closes a connection that does not send the HTTP/2 preface in time. */
function closeIfSilent(socket: Socket, limitMs: number): void {
  const timer = setTimeout(() => {
    if (socket.bytesRead < PREFACE_BYTES) socket.destroy();
  }, limitMs);
  socket.once('close', () => clearTimeout(timer));
}
