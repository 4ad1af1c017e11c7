import type { OperationError__Output } from '../generated/imstate/v1/OperationError.js';
import type { OperationResult__Output } from '../generated/imstate/v1/OperationResult.js';
import { onAbort } from '../shared/onAbort.js';
import type { SentOperation } from './applyStream.js';

/** Receives the errors with which a daemon answered operations. */
interface FailureListener {
  onFailure(pending: PendingOperation, failure: OperationError__Output): void;
}

/** An operation, from its call to its result. */
export class PendingOperation implements SentOperation {
  readonly request: Buffer;
  /** True for reads, and for changes that are safe to repeat. */
  readonly mayRepeat: boolean;
  /** Milliseconds, for messages. */
  readonly timeoutMs: number;
  /** How often it was sent again. */
  repeats = 0;
  readonly #listener: FailureListener;
  #isSettled = false;
  #resolve!: (result: OperationResult__Output) => void;
  #reject!: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #removeAbort = () => {};

  constructor(request: Buffer, mayRepeat: boolean, timeoutMs: number, listener: FailureListener) {
    this.request = request;
    this.mayRepeat = mayRepeat;
    this.timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** Resolves with the result. Rejects after the timeout, or when the signal aborts. */
  start(signal: AbortSignal | undefined, timeoutError: () => Error): Promise<OperationResult__Output> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#timer = setTimeout(() => this.reject(timeoutError()), this.timeoutMs);
      this.#removeAbort = onAbort(signal, () => this.reject(signal?.reason));
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  onResult(result: OperationResult__Output): void {
    if (result.error) this.#listener.onFailure(this, result.error);
    else if (this.#settle()) this.#resolve(result);
  }

  /** Has no effect if the operation is settled. */
  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  /** False if it was settled before. */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#removeAbort();
    return true;
  }
}
