import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { ImstateError } from '../../errors.js';

/** A call or stream, as far as the log is concerned. */
type Caller = Pick<ServerUnaryCall<unknown, unknown>, 'getPath' | 'getPeer'>;

/** The calls of a daemon: how each is answered, and how many are in flight. */
export class Calls {
  readonly #log: Logger;
  readonly #streams = new Set<(error: ImstateError) => void>();
  #inFlight = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Calls and messages of streams that have been taken and not been answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Makes a gRPC handler of a function that returns what to answer, or throws: an error of imstate is answered with
   * its status, any other as a fault to be looked up in the log.
   */
  handler<Request, Response>(
    handle: (request: Request) => Promise<Response> | Response,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      // grpc-js would let a handler that is quick enough answer a call whose time is over.
      if (Date.now() >= Number(call.getDeadline())) {
        callback({ code: status.DEADLINE_EXCEEDED, details: 'the deadline was over when the call arrived' });
        return;
      }
      this.#inFlight += 1;
      settle(handle, call.request).then(
        (response) => {
          this.#inFlight -= 1;
          callback(null, response);
        },
        (error) => {
          this.#inFlight -= 1;
          callback(this.#toStatus(error, call));
        },
      );
    };
  }

  /**
   * Makes a gRPC handler of a stream on which each message is answered, one after the other. `begin` makes for each
   * stream the function that answers; one that throws ends its stream.
   */
  streamHandler<Request, Response>(
    begin: () => (request: Request) => Promise<Response>,
  ): handleBidiStreamingCall<Request, Response> {
    return (stream) => {
      const answer = begin();
      const endWith = (error: unknown) => {
        if (this.#streams.delete(endWith)) stream.emit('error', this.#toStatus(error, stream));
      };
      this.#streams.add(endWith);
      stream.on('data', (request: Request) => {
        // Until this one is answered the next one waits.
        stream.pause();
        this.#inFlight += 1;
        settle(answer, request)
          .then((response) => write(stream, response), endWith)
          .finally(() => {
            this.#inFlight -= 1;
            stream.resume();
          });
      });
      stream.on('end', () => {
        if (this.#streams.delete(endWith)) stream.end();
      });
      stream.on('cancelled', () => this.#streams.delete(endWith));
    };
  }

  /** Ends the streams that callers keep open, so that they go on with another daemon. */
  endStreams(): void {
    const stopping = new ImstateError('UNAVAILABLE', 'the daemon is stopping: go on with another one');
    for (const endWith of [...this.#streams]) endWith(stopping);
  }

  #toStatus(error: unknown, call: Caller) {
    if (error instanceof ImstateError) {
      this.#log.debug({ method: call.getPath(), peer: call.getPeer(), code: error.code }, error.message);
      return { code: error.status, details: error.message };
    }
    this.#log.error(
      { method: call.getPath(), code: 'INTERNAL', err: error },
      'a call failed by a fault of imstate',
    );
    return { code: status.INTERNAL, details: 'internal fault; the log of the daemon has the details' };
  }
}

/** What the function returns or throws, as a promise. */
async function settle<Request, Response>(
  handle: (request: Request) => Promise<Response> | Response,
  request: Request,
): Promise<Response> {
  return handle(request);
}

function write<Request, Response>(stream: ServerDuplexStream<Request, Response>, response: Response): void {
  if (!stream.cancelled && !stream.writableEnded) stream.write(response);
}
