import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { KeepAlive } from '../../presence/servers.js';

/** How often they are logged. Milliseconds. */
const LOG_INTERVAL_MS = 1_000;

/**
 * Keep-alives of chat servers whose address another process has taken over. One after a restart is usual. More
 * mean that two live processes claim one address.
 */
export class SupersededServers {
  readonly #log: Logger;
  #loggedAt = -Infinity;
  /** How many there were. */
  count = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Counts a keep-alive, and logs it if none was logged just before; returns the error for its caller. */
  note({ serverAddr, incarnation }: KeepAlive, newer: number): ImstateError {
    this.count += 1;
    if (performance.now() - this.#loggedAt >= LOG_INTERVAL_MS) {
      this.#loggedAt = performance.now();
      this.#log.warn(
        { serverAddr, incarnation, newer },
        'chat server superseded: another process has its address',
      );
    }
    return new ImstateError(
      'SUPERSEDED',
      `incarnation ${newer} of chat server ${serverAddr} supersedes ${incarnation}, whose sessions have ended: ` +
        'stop, or use a greater incarnation',
    );
  }
}
