import { setTimeout as delay } from 'node:timers/promises';
import type { EndedSession } from '../calls/messages.js';
import type { Channel } from '../connection/channel.js';
import { ImstateError } from '../shared/errors.js';
import { Watch } from '../watch/watch.js';

/** Options of a {@link SessionWatcher}. */
export interface SessionWatcherOptions {
  /** The chat server, `host:port`. */
  serverAddr: string;
  /** Ends the watcher. */
  signal: AbortSignal;
  /** Called for each session of the chat server that ends. */
  onEnded(ended: EndedSession): void;
  /** Checks all held sessions, for ends that could not be watched. Called again if it rejects. */
  checkAll(signal: AbortSignal): Promise<void>;
  /** Called for an error after which the watcher continues. */
  onError(error: ImstateError): void;
}

/** The pause after an error in the background. */
const PAUSE_MS = 1_000;

/** Watches the sessions of a chat server for as long as its lease lasts, for those that others end. */
export class SessionWatcher {
  readonly #channel: Channel;
  readonly #options: SessionWatcherOptions;

  constructor(channel: Channel, options: SessionWatcherOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /** Resolves when the signal aborts, or if the server cannot be watched. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#watch();
      } catch (error) {
        await this.#pauseAfter(error as ImstateError);
        if (error instanceof ImstateError && error.code === 'UNIMPLEMENTED') return;
      }
    }
  }

  async #watch(): Promise<void> {
    const { serverAddr, signal, onEnded } = this.#options;
    // Sessions may have ended before the watch began.
    let mustCheck = true;
    const watch = new Watch(this.#channel, { servers: [serverAddr], initialState: false, signal });
    for await (const event of watch) {
      if (event.type === 'change' && event.ended?.serverAddr === serverAddr) onEnded(event.ended);
      if (event.type === 'lost') mustCheck = true;
      if (event.type === 'synced' && mustCheck) {
        mustCheck = false;
        void this.#checkUntilAnswered();
      }
    }
  }

  async #checkUntilAnswered(): Promise<void> {
    const { signal, checkAll } = this.#options;
    while (!signal.aborted) {
      try {
        await checkAll(signal);
        return;
      } catch (error) {
        await this.#pauseAfter(error as ImstateError);
      }
    }
  }

  async #pauseAfter(error: ImstateError): Promise<void> {
    const { signal, onError } = this.#options;
    if (signal.aborted) return;
    onError(error);
    await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}
