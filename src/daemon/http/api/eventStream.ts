import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { ImstateError } from '../../../errors.js';
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

  /** Sends events in one piece; `id` is that of the last. Returns false if the caller should be given time to read. */
  send(events: readonly StreamEvent[], id?: string): boolean {
    if (this.#isOver || events.length === 0) return true;
    const last = events.length - 1;
    const text = events.map((event, i) => format(event, i === last ? id : undefined)).join('');
    return this.#write(text);
  }

  /** Resolves when the caller has been given what was sent, or is gone. */
  async drained(): Promise<void> {
    const response = this.#response;
    if (this.#isOver || !response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        response.off('drain', done).off('close', done);
        resolve();
      };
      response.on('drain', done).on('close', done);
    });
  }

  /** Calls once when the stream is over, whoever ended it. */
  onClose(closer: () => void): void {
    if (this.#isOver) closer();
    else this.#closers.push(closer);
  }

  /** Ends it with an error, as its last event. The server cuts a caller that does not take it. */
  end(error: unknown): void {
    if (this.#isOver) return;
    const { code, message } = this.#toCaller(error);
    this.send([{ type: 'error', error: { code, message } }]);
    this.#close();
    this.#response.end();
  }

  /** Ends it if the credential of its caller is good no longer; says that it lives if nothing was sent for long. */
  look(): void {
    const fault = this.#caller?.fault();
    if (fault !== undefined) this.end(fault);
    else if (!this.isBusy && performance.now() - this.#sentAt >= SILENCE_MS) this.#write(ALIVE);
  }

  #write(text: string): boolean {
    this.#sentAt = performance.now();
    return this.#response.write(text);
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

function format(event: StreamEvent, id: string | undefined): string {
  const name = id === undefined ? '' : `id: ${id}\n`;
  return `${name}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
