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
  // nginx would keep events back until it has some kilobytes.
  'x-accel-buffering': 'no',
};

/** A stream on which nothing was sent for so long says that it lives: while the store is away there is no news. */
const SILENCE_MS = 5_000;
/** A comment, which readers skip. */
const ALIVE = ':\n\n';

/** What an event carries: its type, which is its name too, and whatever belongs to it. */
export interface StreamEvent {
  readonly type: string;
  [name: string]: unknown;
}

/** An answer of server-sent events. */
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

  /** True while the caller is given what was sent before. */
  get isBusy(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** Sends events in one piece. */
  send(events: readonly StreamEvent[]): void {
    if (this.#isOver || events.length === 0) return;
    this.#write(events.map((event) => formatEvent(event.type, JSON.stringify(event))).join(''));
  }

  /** Sends what formatEvent() gave, and calls `onTaken`, later, once the network has taken it: never if the caller is gone. */
  sendText(text: string, onTaken: () => void): void {
    if (!this.#isOver) this.#write(text, onTaken);
  }

  /** Calls once when the stream is over, whoever ended it. */
  onClose(closer: () => void): void {
    if (this.#isOver) closer();
    else this.#closers.push(closer);
  }

  /** Calls once when nothing of the stream is left at the network: its caller has everything, or is gone. */
  onGone(listener: () => void): void {
    this.#response.once('close', listener);
  }

  /** Ends it with an error, as its last event. The server cuts a caller that does not take it. */
  end(error: unknown): void {
    if (this.#isOver) return;
    this.send([{ type: 'error', error: faultJson(this.#toCaller(error)) }]);
    this.#close();
    this.#response.end();
  }

  /** Drops what the caller has not taken. */
  cut(): void {
    this.#response.destroy();
  }

  /** Ends it if the credential of its caller is good no longer; says that it lives if nothing was sent for long. */
  look(): void {
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
    this.#log.error({ err: error }, 'a stream of events failed by a fault of imstate');
    return new ImstateError('INTERNAL', 'internal fault; the log of the daemon has the details');
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const closer of this.#closers.splice(0)) closer();
  }
}

/** An event as its stream carries it; `id` is where a reader that connects again goes on. */
export function formatEvent(type: string, data: string, id?: string): string {
  const name = id === undefined ? '' : `id: ${id}\n`;
  return `${name}event: ${type}\ndata: ${data}\n\n`;
}
