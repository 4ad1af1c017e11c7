import type { EventEmitter } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { FramedMessage } from 'imstate-client/internal/wire/framedMessage';
import type { Permit } from '../auth/guardedCall.js';
import type { CallDetails } from '../observability/callDetails.js';
import { callOf } from '../overload/admittedCall.js';

/** How a stream reaches its caller. */
export interface StreamSink<Response> {
  /** The address of the other side of the connection. */
  readonly peer: string;
  /** Undefined where everybody may do everything. */
  readonly permit: Permit | undefined;
  /** Returns false if the caller should be given time to read. */
  write(response: Response): boolean;
  /** Writes a message that is encoded already, and calls `onTaken`, later, once the network has taken it: never if the caller is gone. */
  send(message: FramedMessage, onTaken: () => void): void;
  /** Resolves when the caller has been given it, or is gone. */
  drained(): Promise<void>;
  /** Ends the stream with an error. */
  end(error: unknown): void;
  /** Resets a watch that has ended: what its caller has not taken is dropped. */
  reset(): void;
  /** What an error is for the caller; one that is no error of imstate goes to the log. */
  statusOf(error: unknown): { code: number; details: string };
  /** What the operations of a batch are logged with; undefined while nobody wants that. */
  details(): CallDetails | undefined;
}

/** How a handler reaches the caller of its stream; `fail` ends the stream with an error. */
export function makeStreamSink<Request, Response>(
  stream: ServerDuplexStream<Request, Response>,
  permit: Permit | undefined,
  fail: (error: unknown) => void,
  statusOf: StreamSink<Response>['statusOf'],
): StreamSink<Response> {
  return {
    peer: stream.getPeer(),
    permit,
    write: (response) => stream.cancelled || stream.writableEnded || stream.write(response),
    send: (message, onTaken) => {
      if (!stream.cancelled && !stream.writableEnded)
        stream.write(message as Response, (error?: Error | null) => error || onTaken());
    },
    drained: async () => {
      if (stream.cancelled || !stream.writableNeedDrain) return;
      await firstOf(stream, ['drain', 'cancelled', 'close']);
    },
    end: fail,
    reset: () => callOf(stream.metadata)?.reset(),
    statusOf,
    details: () => callOf(stream.metadata)?.detailsFor(stream.metadata),
  };
}

/** Resolves at the first of the events, and listens no longer. */
export function firstOf(stream: EventEmitter, events: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}
