import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { LIMITS } from '../../../presence/limits.js';
import type { Exchange } from '../routes.js';
import { EventStream } from './eventStream.js';

const POLL_INTERVAL_MS = 1_000;

/** The event streams of a daemon that are open, up to a limit. */
export class EventStreams {
  readonly #log: Logger;
  readonly #open = new Set<EventStream>();
  readonly #looks = setInterval(() => this.#look(), POLL_INTERVAL_MS).unref();
  #isClosed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Begins the answer; throws RESOURCE_EXHAUSTED if there is no room for it. */
  open(exchange: Exchange): EventStream {
    if (this.#isClosed) throw stopping();
    if (exchange.request.method !== 'GET')
      throw new ImstateError('INVALID_ARGUMENT', 'a stream of events must be asked for by GET');
    if (this.#open.size >= LIMITS.eventStreams.max) {
      throw new ImstateError(
        'RESOURCE_EXHAUSTED',
        `the daemon has ${this.#open.size} event streams: try again in a while, or ask another daemon`,
      );
    }
    const stream = new EventStream(exchange, this.#log);
    this.#open.add(stream);
    stream.onClose(() => this.#open.delete(stream));
    return stream;
  }

  /** Ends all of them, so that their callers go on with another daemon. May be called twice. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#looks);
    for (const stream of [...this.#open]) stream.end(stopping());
  }

  /** Looks after each. */
  #look(): void {
    for (const stream of [...this.#open]) stream.look();
  }
}

function stopping(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'the daemon is stopping: go on with another one');
}
