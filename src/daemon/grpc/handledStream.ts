import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { permitOf } from '../auth/guardedCall.js';
import { AGED } from '../overload/connectionAge.js';
import { callOf } from '../overload/openStreamCalls.js';
import type { Ending } from '../overload/requests/readCall.js';
import { type RequestReader, requestReaderOf } from '../overload/requests/requestReader.js';
import type { CallState } from './callState.js';
import type { OpenStream } from './openStreams.js';
import type { Cost, StreamHandler } from './streamHandler.js';
import { firstOf, GrpcStreamSink, type StreamSink } from './streamSink.js';

/** Makes the handler of a new stream. */
export type BeginStream<Request, Response> = (sink: StreamSink<Response>) => StreamHandler<Request>;

/**
 * One open stream: passes its messages to the handler in order, and ends the stream so that its caller knows
 * what was done. While the store is overloaded a message waits for its turn. If that takes too long, the
 * messages before it are answered, and the stream ends with a rejection that covers the rest.
 */
export class HandledStream<Request, Response> implements OpenStream {
  readonly #stream: ServerDuplexStream<Request, Response>;
  readonly #calls: CallState;
  readonly #cost: Cost<Request>;
  readonly #reader: RequestReader | undefined;
  readonly #sink: StreamSink<Response>;
  readonly #handler: StreamHandler<Request>;
  /** Messages that were received and are not handled yet. */
  #inFlight = 0;
  /** True once no further message is accepted. */
  #isEnding = false;
  /** Ends the stream in place of OK, if messages were rejected. */
  #rejection: Ending | undefined;
  /** Ends the stream in place of OK, if no message was rejected. */
  #finalError: ImstateError | undefined;

  constructor(
    stream: ServerDuplexStream<Request, Response>,
    calls: CallState,
    begin: BeginStream<Request, Response>,
    cost: Cost<Request>,
  ) {
    this.#stream = stream;
    this.#calls = calls;
    this.#cost = cost;
    this.#reader = requestReaderOf(stream.metadata)?.releasedByHandler((ending) => this.#rejectRest(ending));
    this.#sink = new GrpcStreamSink(stream, calls.statuses, (error) => this.#fail(error));
    this.#handler = begin(this.#sink);
  }

  /** Starts to receive messages. */
  open(): void {
    const stream = this.#stream;
    const permit = permitOf(stream.metadata);
    // What was received while the credential was valid is still answered.
    if (permit)
      permit.end = (error) => (this.#handler.endsGracefully ? this.#finish(error) : this.#fail(error));
    this.#calls.streams.add(this, callOf(stream.metadata)?.connection ?? stream);
    stream.on('data', (request: Request) => void this.#receive(request));
    stream.on('end', () => {
      if (!this.#handler.outlivesRequests) this.#finish();
    });
    stream.on('cancelled', () => {
      this.#close();
      this.#handler.disconnected?.();
    });
  }

  /** See {@link OpenStream}. */
  stop(): void {
    if (this.#handler.endsGracefully) this.#finish();
    else this.#fail(stopping());
  }

  /** See {@link OpenStream}. */
  async retire(): Promise<void> {
    await this.#handler.canEnd?.();
    if (!this.#handler.endsGracefully) this.#rejection ??= AGED;
    this.#finish();
  }

  async #receive(request: Request): Promise<void> {
    this.#reader?.beginMessage();
    if (this.#isEnding || !this.#isOpen) {
      this.#reader?.endMessage();
      return;
    }
    this.#inFlight += 1;
    this.#calls.inFlight += 1;
    if (this.#inFlight >= (this.#handler.maxConcurrent ?? 1)) this.#stream.pause();
    try {
      await this.#handleInTurn(request, performance.now());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#inFlight -= 1;
      this.#reader?.endMessage();
      this.#calls.inFlight -= 1;
      if (this.#isEnding) this.#finish();
      else this.#stream.resume();
    }
  }

  /** Handles a message in its turn, unless the stream is over by then or an earlier message was rejected. */
  async #handleInTurn(request: Request, arrivedAt: number): Promise<void> {
    const { load } = this.#calls;
    const { weigh, isVital } = this.#cost;
    const weight = isVital ? 0 : (weigh?.(request) ?? 1);
    const room = isVital || load.beginInTurn(weight);
    if (room !== true && !(await room)) {
      this.#rejection ??= load.rejectOperations();
      this.#isEnding = true;
      this.#handler.reject?.(request, this.#rejection.code, arrivedAt);
      return;
    }
    try {
      await this.#handle(request, arrivedAt);
    } finally {
      load.end(weight);
    }
    // After load.end: a caller that does not read must not occupy the store.
    await this.#handler.ready?.();
    if (!this.#handler.outlivesRequests) await this.#sink.drained();
  }

  #handle(request: Request, arrivedAt: number): Promise<void> | undefined {
    if (this.#rejection !== undefined) this.#handler.reject?.(request, this.#rejection.code, arrivedAt);
    else if (!this.#isOpen) this.#handler.reject?.(request, status.CANCELLED, arrivedAt);
    else return this.#handler.handle(request, arrivedAt);
    return undefined;
  }

  get #isOpen(): boolean {
    return this.#calls.streams.has(this);
  }

  #rejectRest(ending: Ending): void {
    this.#rejection ??= ending;
    this.#finish();
  }

  /** Returns false if the stream was closed before. */
  #close(): boolean {
    if (!this.#calls.streams.delete(this)) return false;
    this.#handler.close?.();
    return true;
  }

  #fail(error: unknown): void {
    if (this.#close()) this.#endWith(this.#calls.statuses.statusOf(error, this.#stream));
  }

  /** Accepts no further message. Once those in flight are handled, ends the stream with OK or the error. */
  #finish(error?: ImstateError): void {
    this.#isEnding = true;
    this.#finalError ??= error;
    if (this.#inFlight > 0 || !this.#close()) return;
    void this.#countUntilSent();
    this.#endWith(this.#rejection ?? this.#finalStatus());
  }

  #finalStatus(): Ending | undefined {
    return this.#finalError && this.#calls.statuses.statusOf(this.#finalError, this.#stream);
  }

  /** The last responses are in flight until the network has taken them. */
  async #countUntilSent(): Promise<void> {
    this.#calls.inFlight += 1;
    await firstOf(this.#stream, ['finish', 'cancelled', 'close']);
    this.#calls.inFlight -= 1;
  }

  /** Ends the stream with a status, or with OK. */
  #endWith(ending: Ending | undefined): void {
    if (ending) this.#stream.emit('error', ending);
    else this.#stream.end();
    callOf(this.#stream.metadata)?.expectTaken();
  }
}

function stopping(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'the daemon is stopping: continue with another one');
}
