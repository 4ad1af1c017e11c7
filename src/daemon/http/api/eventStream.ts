import type { ServerResponse } from 'node:http';
import { faultJson } from 'imstate-client/internal/json';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { Caller } from '../../auth/roles.js';
import type { Exchange } from '../routes.js';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Otherwise nginx would buffer some kilobytes of events.
  'x-accel-buffering': 'no',
};

/**
 * When a silent stream sends a sign of life: while the store is unavailable there are no events.
 * Milliseconds.
 */
const SILENCE_MS = 5_000;
/** A comment, which readers skip. */
const ALIVE = ':\n\n';

/** An event: its type, which is also its name, and further fields. */
export interface StreamEvent {
  readonly type: string;
  [name: string]: unknown;
}

/** A response of server-sent events. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #caller: Caller | undefined;
  readonly #log: Logger;
  readonly #closers: (() => void)[] = [];
  #isOver = false;
  #sentAt = performance.now();

  constructor({ response, caller }: Exchange, log: Logger) {
    this.#response = response;
    this.#caller = caller;
    this.#log = log;
    response.writeHead(200, HEADERS);
    response.flushHeaders();
    response.once('close', () => this.#close());
  }

  /** True while the network has not taken what was sent. */
  get isBusy(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** Sends events in one write. */
  send(events: readonly StreamEvent[]): void {
    if (this.#isOver || events.length === 0) return;
    this.#write(events.map((event) => formatEvent(event.type, JSON.stringify(event))).join(''));
  }

  /**
   * Sends what formatEvent() returned, and calls `onTaken`, later, once the network has taken it: never if
   * the caller is gone.
   */
  sendText(text: string, onTaken: () => void): void {
    if (!this.#isOver) this.#write(text, onTaken);
  }

  /** Called once when the stream is over, whoever ended it. */
  onClose(closer: () => void): void {
    if (this.#isOver) closer();
    else this.#closers.push(closer);
  }

  /**
   * Called once when the network holds nothing of the stream any more: its caller has everything, or is gone.
   */
  onGone(listener: () => void): void {
    this.#response.once('close', listener);
  }

  /** Ends the stream with an error as its last event. The server cuts a caller that does not read it. */
  end(error: unknown): void {
    if (this.#isOver) return;
    this.send([{ type: 'error', error: faultJson(this.#toCaller(error)) }]);
    this.#close();
    this.#response.end();
  }

  /** Drops what the caller has not read. */
  cut(): void {
    this.#response.destroy();
  }

  /**
   * Ends the stream if the credential of its caller is no longer valid. Sends a sign of life if it was
   * silent.
   */
  check(): void {
    const fault = this.#caller?.fault();
    if (fault !== undefined) this.end(fault);
    else if (!this.isBusy && performance.now() - this.#sentAt >= SILENCE_MS) this.#write(ALIVE);
  }

  #write(text: string, onTaken?: () => void): void {
    this.#sentAt = performance.now();
    this.#response.write(text, (error) => {
      if (!error) onTaken?.();
    });
  }

  #toCaller(error: unknown): ImstateError {
    if (error instanceof ImstateError) return error;
    this.#log.error({ err: error }, 'internal error in an event stream');
    return new ImstateError('INTERNAL', 'internal error: see the log of the daemon');
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const closer of this.#closers.splice(0)) closer();
  }
}

/** An event in the format of the stream. `id` is where a reader that reconnects resumes. */
export function formatEvent(type: string, data: string, id?: string): string {
  const name = id === undefined ? '' : `id: ${id}\n`;
  return `${name}event: ${type}\ndata: ${data}\n\n`;
}
