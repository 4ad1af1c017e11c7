import {
  type ClientUnaryCall,
  type CallOptions as GrpcCallOptions,
  type requestCallback,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type Fault, isShed } from '../calls/callErrors.js';
import type { CallOptions } from '../calls/messages.js';
import { backoffMs } from '../shared/backoff.js';
import type { ImstateError } from '../shared/errors.js';
import { onAbort } from '../shared/onAbort.js';

/** Starts one call of a generated client. */
export type StartCall<Response> = (
  options: GrpcCallOptions,
  callback: requestCallback<Response>,
) => ClientUnaryCall;

/** Options of a {@link UnaryCall}. */
export interface UnaryCallOptions extends CallOptions {
  timeoutMs: number;
  /** Milliseconds since 1970. All attempts of a call share it. */
  deadline: number;
  /** Whether the call is safe to repeat. */
  mayRepeat: boolean;
}

/** What a call needs of its channel, see Channel. */
interface CallChannel {
  readonly isClosed: boolean;
  checkCall(timeoutMs: number, signal: AbortSignal | undefined): void;
  explain(error: Fault, timeoutMs: number): ImstateError;
  guardConnecting(giveUp: (error: ImstateError) => void, timeoutMs: number): () => void;
}

/** How often a call is repeated whose daemon died in the middle of the response. */
const MAX_REPEATS = 3;
/** How often a call is repeated that an overloaded daemon rejected. */
const MAX_SHEDS = 4;
const SHED_BACKOFF_MS = { first: 100, max: 1_000 };

/**
 * One unary call, until its response or its final error. A call that may be repeated is repeated when its
 * daemon died in the middle of the response; gRPC itself retries only if nothing of a response has arrived.
 * Any call is repeated after a backoff when an overloaded daemon rejected it.
 */
export class UnaryCall<Response> {
  readonly #channel: CallChannel;
  readonly #start: StartCall<Response>;
  readonly #options: UnaryCallOptions;
  #call: ClientUnaryCall | undefined;
  #repeatsLeft: number;
  #sheds = 0;
  #backoff: NodeJS.Timeout | undefined;
  #resolve!: (response: Response) => void;
  #reject!: (reason: unknown) => void;
  #removeAbort = () => {};
  #endGuard = () => {};

  constructor(channel: CallChannel, start: StartCall<Response>, options: UnaryCallOptions) {
    this.#channel = channel;
    this.#start = start;
    this.#options = options;
    this.#repeatsLeft = options.mayRepeat ? MAX_REPEATS : 0;
  }

  /** Starts the call. Rejects with an ImstateError, or with the reason of the signal that cancelled it. */
  run(): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { timeoutMs, signal } = this.#options;
      this.#channel.checkCall(timeoutMs, signal);
      this.#resolve = resolve;
      this.#reject = reject;
      this.#attempt();
      this.#removeAbort = onAbort(signal, () => this.#giveUp(signal?.reason));
      this.#endGuard = this.#channel.guardConnecting((error) => this.#giveUp(error), timeoutMs);
    });
  }

  #attempt(): void {
    let hasBegun = false;
    const call = this.#start({ deadline: this.#options.deadline }, (error, response) => {
      if (error !== null && this.#repeats(error, hasBegun)) return;
      this.#settle();
      if (error === null) this.#resolve(response as Response);
      else this.#reject(this.#channel.explain(error, this.#options.timeoutMs));
    });
    call.once('metadata', () => {
      hasBegun = true;
    });
    this.#call = call;
  }

  /** Repeats the call, now or after a backoff, if that may help. */
  #repeats(error: ServiceError, hasBegun: boolean): boolean {
    if (isShed(error) && this.#repeatsLater()) return true;
    if (error.code !== status.UNAVAILABLE || !hasBegun || this.#repeatsLeft === 0) return false;
    this.#repeatsLeft -= 1;
    this.#attempt();
    return true;
  }

  /** Repeats a rejected call after a backoff, if there is time for it. */
  #repeatsLater(): boolean {
    this.#sheds += 1;
    const waitMs = backoffMs(this.#sheds, SHED_BACKOFF_MS.first, SHED_BACKOFF_MS.max);
    const isTooLate = Date.now() + waitMs >= this.#options.deadline;
    if (this.#sheds > MAX_SHEDS || isTooLate || this.#channel.isClosed) return false;
    this.#backoff = setTimeout(() => this.#attempt(), waitMs);
    return true;
  }

  #giveUp(reason: unknown): void {
    this.#settle();
    this.#reject(reason);
    clearTimeout(this.#backoff);
    this.#call?.cancel();
  }

  #settle(): void {
    this.#endGuard();
    this.#removeAbort();
  }
}

/** The same call, which is cancelled when `lost` aborts because another attempt has won. */
export function cancelledBy<Response>(lost: AbortSignal, start: StartCall<Response>): StartCall<Response> {
  return (options, callback) => {
    const cancel = () => call.cancel();
    const call = start(options, (...response) => {
      lost.removeEventListener('abort', cancel);
      callback(...response);
    });
    if (lost.aborted) cancel();
    else lost.addEventListener('abort', cancel, { once: true });
    return call;
  };
}
