import type { handleBidiStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { AuditTrail } from '../audit/auditTrail.js';
import type { Load } from '../overload/load.js';
import { auditedHandler } from './auditedHandler.js';
import type { CallState } from './callState.js';
import { type BeginStream, HandledStream } from './handledStream.js';
import { OpenStreams } from './openStreams.js';
import { StatusMapper } from './status.js';
import type { Cost } from './streamHandler.js';
import { type UnaryHandler, UnaryMethod } from './unaryMethod.js';

/** The calls of a daemon: runs their handlers, and counts those in flight. */
export class Calls {
  readonly #state: CallState;
  readonly #audit: AuditTrail;

  constructor(log: Logger, load: Load, audit: AuditTrail) {
    this.#audit = audit;
    const statuses = new StatusMapper(log, load);
    this.#state = { load, statuses, streams: new OpenStreams(), inFlight: 0 };
  }

  /** Calls and messages of streams that were accepted and have no response yet. */
  get inFlight(): number {
    return this.#state.inFlight;
  }

  /**
   * Makes a gRPC handler of a function that returns the response or throws: see {@link StatusMapper}. The
   * function is not called while the store is overloaded. Administrative acts are recorded, see acts.ts.
   */
  handler<Request, Response>(
    handle: UnaryHandler<Request, Response>,
    cost: Cost<Request> = {},
  ): handleUnaryCall<Request, Response> {
    return new UnaryMethod(this.#state, auditedHandler(this.#audit, handle), cost).handle;
  }

  /** Makes a gRPC handler of a stream. `begin` makes what handles the messages of one stream. */
  streamHandler<Request, Response>(
    begin: BeginStream<Request, Response>,
    cost: Cost<Request> = {},
  ): handleBidiStreamingCall<Request, Response> {
    return (stream) => new HandledStream(stream, this.#state, begin, cost).open();
  }

  /** Ends the streams that callers keep open, so that they continue with another daemon. */
  endStreams(): void {
    this.#state.streams.stopAll();
  }

  /**
   * Ends the streams of a connection that has reached its maximum age, once that is no loss for their
   * callers.
   */
  endStreamsOf(connection: object): void {
    this.#state.streams.retire(connection);
  }
}
