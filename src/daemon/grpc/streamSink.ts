import type { EventEmitter } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { FramedMessage } from 'imstate-client/internal/wire/framedMessage';
import { type Permit, permitOf } from '../auth/guardedCall.js';
import type { CallDetails } from '../observability/callDetails.js';
import { callOf } from '../overload/openStreamCalls.js';
import type { StatusMapper } from './status.js';

/** Where a handler writes the responses of its stream. */
export interface StreamSink<Response> {
  /** The address of the other side of the connection. */
  readonly peer: string;
  /** Undefined if authentication is off. */
  readonly permit: Permit | undefined;
  /** Returns false if the caller should be given time to read. */
  write(response: Response): boolean;
  /**
   * Writes an encoded message, and calls `onTaken`, later, once the network has taken it: never if the caller
   * is gone.
   */
  send(message: FramedMessage, onTaken: () => void): void;
  /** Resolves when the network has taken what was written, or the caller is gone. */
  drained(): Promise<void>;
  /** Ends the stream with an error. */
  end(error: unknown): void;
  /** Resets a watch that has ended, and drops what its caller has not read. */
  reset(): void;
  /** The status of an error; logs an unexpected one. */
  statusOf(error: unknown): { code: number; details: string };
  /** What the operations of a batch are logged with; undefined if nobody wants that. */
  details(): CallDetails | undefined;
}

/** The sink of a gRPC stream. */
export class GrpcStreamSink<Request, Response> implements StreamSink<Response> {
  readonly peer: string;
  readonly permit: Permit | undefined;
  readonly #stream: ServerDuplexStream<Request, Response>;
  readonly #statuses: StatusMapper;
  readonly #fail: (error: unknown) => void;

  /** `fail` ends the stream with an error. */
  constructor(
    stream: ServerDuplexStream<Request, Response>,
    statuses: StatusMapper,
    fail: (error: unknown) => void,
  ) {
    this.peer = stream.getPeer();
    this.permit = permitOf(stream.metadata);
    this.#stream = stream;
    this.#statuses = statuses;
    this.#fail = fail;
  }

  write(response: Response): boolean {
    return !this.#isWritable || this.#stream.write(response);
  }

  send(message: FramedMessage, onTaken: () => void): void {
    if (!this.#isWritable) return;
    this.#stream.write(message as Response, (error?: Error | null) => error || onTaken());
  }

  async drained(): Promise<void> {
    if (this.#stream.cancelled || !this.#stream.writableNeedDrain) return;
    await firstOf(this.#stream, ['drain', 'cancelled', 'close']);
  }

  end(error: unknown): void {
    this.#fail(error);
  }

  reset(): void {
    callOf(this.#stream.metadata)?.reset();
  }

  statusOf(error: unknown): { code: number; details: string } {
    return this.#statuses.statusOf(error, this.#stream);
  }

  details(): CallDetails | undefined {
    return callOf(this.#stream.metadata)?.detailsFor(this.#stream.metadata);
  }

  get #isWritable(): boolean {
    return !this.#stream.cancelled && !this.#stream.writableEnded;
  }
}

/** Resolves at the first of the events, and then stops listening. */
export function firstOf(stream: EventEmitter, events: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}
