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

  /** Counts a superseded keep-alive, and logs it if none was logged just before. */
  noteSuperseded({ serverAddr, incarnation }: KeepAlive, newer: number): void {
    this.superseded += 1;
    if (performance.now() - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#loggedAt = performance.now();
    this.#log.warn(
      { serverAddr, incarnation, newer },
      'chat server superseded: another process has its address',
    );
  }

  /** Logs that a drain began or was cancelled. */
  noteDrain({ serverAddr, drain }: ServerDrain, { sessions, isPartial }: ServerDrainResult): void {
    if (drain) this.#log.info({ serverAddr, sessions, ...drain, isPartial }, 'chat server drains');
    else this.#log.info({ serverAddr, sessions, isPartial }, 'drain of chat server cancelled');
  }
}
