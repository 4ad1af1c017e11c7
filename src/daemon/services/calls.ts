import { type handleUnaryCall, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { ImstateError } from '../../errors.js';

/** The unary calls of a daemon: how each is answered, and how many are in flight. */
export class Calls {
  readonly #log: Logger;
  #inFlight = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Calls that have been taken and not been answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Makes a gRPC handler of a function that returns what to answer, or throws: an error of imstate is answered with
   * its status, any other as a fault to be looked up in the log.
   */
  handler<Request, Response>(
    handle: (request: Request) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      // grpc-js would let a handler that is quick enough answer a call whose time is over.
      if (Date.now() >= Number(call.getDeadline())) {
        callback({ code: status.DEADLINE_EXCEEDED, details: 'the deadline was over when the call arrived' });
        return;
      }
      this.#inFlight += 1;
      handle(call.request).then(
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

  #toStatus<Request, Response>(error: unknown, call: ServerUnaryCall<Request, Response>) {
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
