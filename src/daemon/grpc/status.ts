import { type ServerUnaryCall, status } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { Overloaded } from '../../presence/overloaded.js';
import type { Load } from '../overload/load.js';
import type { Ending } from '../overload/requests/readCall.js';
import { Rejection } from './rejection.js';

/** A call or stream, as far as the log is concerned. */
type LoggedCall = Pick<ServerUnaryCall<unknown, unknown>, 'getPath' | 'getPeer'>;

/** Turns what a handler throws into a gRPC status. */
export class StatusMapper {
  readonly #log: Logger;
  readonly #load: Load;

  constructor(log: Logger, load: Load) {
    this.#log = log;
    this.#load = load;
  }

  /**
   * The status of an error. An error that imstate does not know is logged in full; its caller gets INTERNAL.
   */
  statusOf(error: unknown, call: LoggedCall): Ending {
    // Nothing was changed, so the caller may repeat the call.
    if (error instanceof Overloaded) return this.#load.reject(error.reason);
    if (error instanceof ImstateError) {
      this.#log.debug({ method: call.getPath(), peer: call.getPeer(), code: error.code }, error.message);
      return new Rejection(error);
    }
    this.#log.error({ method: call.getPath(), code: 'INTERNAL', err: error }, 'internal error in a call');
    return { code: status.INTERNAL, details: 'internal error: see the log of the daemon' };
  }
}
