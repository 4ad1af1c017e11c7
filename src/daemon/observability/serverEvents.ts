import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { KeepAlive, ServerDrain, ServerDrainResult } from '../../presence/servers.js';

/** How often superseded chat servers are logged. Milliseconds. */
const LOG_INTERVAL_MS = 1_000;

/** Counts and logs what happens to chat servers. */
export class ServerEvents {
  readonly #log: Logger;
  #loggedAt = -Infinity;
  /**
   * Keep-alives of chat servers whose address another process has taken over. One after a restart is usual. More
   * mean that two live processes claim one address.
   */
  superseded = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Counts a superseded keep-alive, and logs it if none was logged just before; returns the error for its caller. */
  noteSuperseded({ serverAddr, incarnation }: KeepAlive, newer: number): ImstateError {
    this.superseded += 1;
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

  /** Logs that a drain began or was cancelled. */
  noteDrain({ serverAddr, drain }: ServerDrain, { sessions, isPartial }: ServerDrainResult): void {
    if (drain) this.#log.info({ serverAddr, sessions, ...drain, isPartial }, 'chat server drains');
    else this.#log.info({ serverAddr, sessions, isPartial }, 'drain of chat server cancelled');
  }
}
