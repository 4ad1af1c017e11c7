import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { LIMITS } from '../../../presence/limits.js';
import type { Exchange } from '../routes.js';
import { EventStream } from './eventStream.js';

const POLL_INTERVAL_MS = 1_000;

/** The open event streams of a daemon, up to a limit. */
export class EventStreams {
  readonly #log: Logger;
  readonly #open = new Set<EventStream>();
  readonly #checks = setInterval(() => this.#check(), POLL_INTERVAL_MS).unref();
  #isClosed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Opens a stream. Throws RESOURCE_EXHAUSTED at the limit. */
  open(exchange: Exchange): EventStream {
    if (this.#isClosed) throw stopping();
    if (exchange.request.method !== 'GET')
      throw new ImstateError('INVALID_ARGUMENT', 'an event stream needs the method GET');
    if (this.#open.size >= LIMITS.eventStreams.max) {
      throw new ImstateError(
        'RESOURCE_EXHAUSTED',
        `the daemon has ${this.#open.size} event streams: try again later, or use another daemon`,
      );
    }
    const stream = new EventStream(exchange, this.#log);
    this.#open.add(stream);
    stream.onClose(() => this.#open.delete(stream));
    return stream;
  }

  /** Ends all streams, so that their callers move to another daemon. May be called twice. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#checks);
    for (const stream of [...this.#open]) stream.end(stopping());
  }

  /** Checks each stream. */
  #check(): void {
    for (const stream of [...this.#open]) stream.check();
  }
}

function stopping(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'the daemon is stopping: continue with another one');
}
