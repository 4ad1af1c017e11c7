import { type handleUnaryCall, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { type RequestReader, requestReaderOf } from '../overload/requests/requestReader.js';
import type { CallState } from './callState.js';
import type { Cost } from './streamHandler.js';

/** A unary call, as far as its handler is concerned. */
export type UnaryCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'getPath' | 'getPeer' | 'getAuthContext' | 'metadata' | 'cancelled'
>;

/** Returns the response to a request, or throws. */
export type UnaryHandler<Request, Response> = (
  request: Request,
  call: UnaryCall,
) => Promise<Response> | Response;

/** Runs the calls of one unary method: rejects those for which there is no room, and counts the others. */
export class UnaryMethod<Request, Response> {
  readonly #calls: CallState;
  readonly #handler: UnaryHandler<Request, Response>;
  readonly #cost: Cost<Request>;

  constructor(calls: CallState, handler: UnaryHandler<Request, Response>, cost: Cost<Request>) {
    this.#calls = calls;
    this.#handler = handler;
    this.#cost = cost;
  }

  /** For grpc-js. */
  readonly handle: handleUnaryCall<Request, Response> = (call, callback) => {
    // grpc-js would let a quick handler answer a call whose deadline has passed.
    if (Date.now() >= Number(call.getDeadline())) {
      callback({
        code: status.DEADLINE_EXCEEDED,
        details: 'the deadline had passed when the call arrived: allow more time',
      });
      return;
    }
    const weight = this.#cost.weigh?.(call.request) ?? 1;
    if (this.#calls.load.begin(weight, this.#cost.isVital)) void this.#run(call, callback, weight);
    else callback(this.#calls.load.rejectOperations());
  };

  async #run(
    call: ServerUnaryCall<Request, Response>,
    callback: sendUnaryData<Response>,
    weight: number,
  ): Promise<void> {
    this.#calls.inFlight += 1;
    const reader = requestReaderOf(call.metadata)?.releasedByHandler();
    reader?.beginMessage();
    let response: Response;
    try {
      response = await this.#handler(call.request, call);
    } catch (error) {
      this.#end(weight, reader);
      callback(this.#calls.statuses.statusOf(error, call));
      return;
    }
    this.#end(weight, reader);
    callback(null, response);
  }

  #end(weight: number, reader: RequestReader | undefined): void {
    this.#calls.inFlight -= 1;
    reader?.endMessage();
    this.#calls.load.end(weight);
  }
}
