import { type handleUnaryCall, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { ImstateError } from '../../errors.js';

/** A handler that returns what it answers, or throws. */
export type Handle<Request, Response> = (request: Request) => Promise<Response>;

/** Makes a gRPC handler: answers errors of imstate with their status, and any other as a fault to be looked up. */
export function unary<Request, Response>(
  log: Logger,
  handle: Handle<Request, Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    // grpc-js would let a handler that is quick enough answer a call whose time is over.
    if (Date.now() >= Number(call.getDeadline())) {
      callback({ code: status.DEADLINE_EXCEEDED, details: 'the deadline was over when the call arrived' });
      return;
    }
    handle(call.request).then(
      (response) => callback(null, response),
      (error) => callback(toStatus(error, call, log)),
    );
  };
}

function toStatus<Request, Response>(error: unknown, call: ServerUnaryCall<Request, Response>, log: Logger) {
  if (error instanceof ImstateError) {
    log.debug({ method: call.getPath(), peer: call.getPeer(), code: error.code }, error.message);
    return { code: error.status, details: error.message };
  }
  log.error({ method: call.getPath(), code: 'INTERNAL', err: error }, 'a call failed by a fault of imstate');
  return { code: status.INTERNAL, details: 'internal fault; the log of the daemon has the details' };
}
