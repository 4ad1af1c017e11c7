import { isUnimplemented } from '../calls/callErrors.js';
import type { CallOptions } from '../calls/messages.js';
import type { Channel } from '../connection/channel.js';
import type { Operation } from '../generated/imstate/v1/Operation.js';
import type { OperationError__Output } from '../generated/imstate/v1/OperationError.js';
import type { OperationResult__Output } from '../generated/imstate/v1/OperationResult.js';
import { backoffMs } from '../shared/backoff.js';
import { ImstateError } from '../shared/errors.js';
import { ApplyStream, type StreamEnd } from './applyStream.js';
import { encodeOperation } from './encodeOperation.js';
import { fieldOfOperation } from './operationField.js';
import { OperationQueue } from './operationQueue.js';
import { PendingOperation } from './pendingOperation.js';

/**
 * Maximum batches in flight: while one is answered, the next one is read. Meanwhile new operations make
 * larger batches.
 */
const MAX_IN_FLIGHT = 4;
/**
 * A stream stays with one daemon: the next one is opened after this time, and round robin selects its daemon.
 */
const MAX_AGE_MS = 5_000;
/** An idle stream is closed, so that a process that has finished can exit. */
const MAX_IDLE_MS = 1_000;
/** How often an unanswered operation is sent again. */
const MAX_REPEATS = 4;
const BACKOFF_MS = { first: 50, max: 1_000 };

/**
 * Collects the operations of one turn of the event loop, and those that are submitted while batches are in
 * flight, into batches on one stream of Apply. Operations of one user take effect in the order of the calls.
 *
 * When a stream breaks, unanswered operations are sent on another stream if they may be repeated, or if no
 * daemon has applied them. The others are rejected with UNAVAILABLE.
 */
export class BatchingClient {
  readonly #channel: Channel;
  readonly #queue = new OperationQueue();
  /** Operations of the batch being answered that the daemon cannot execute now, and that another one may. */
  #toFailOver: PendingOperation[] = [];
  #stream: ApplyStream<PendingOperation> | undefined;
  #leaveAt = 0;
  #isScheduled = false;
  #failures = 0;
  #isBackingOff = false;
  /** True while another server is searched: later operations must not overtake. */
  #isMoving = false;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onClosing(() => {
      const error = new ImstateError('UNAVAILABLE', 'the client is closed');
      this.#stream?.cancel(error);
      this.#queue.rejectAll(error);
    });
  }

  /**
   * Executes an operation. Rejects with an ImstateError, or with the reason of the signal that cancelled it.
   */
  submit(
    operation: Operation,
    { timeoutMs = this.#channel.timeouts.timeoutMs, signal }: CallOptions = {},
    mayRepeat = false,
  ): Promise<OperationResult__Output> {
    let pending: PendingOperation;
    try {
      this.#channel.checkCall(timeoutMs, signal);
      // Encoded at once: the caller may reuse its objects, and an operation that cannot be encoded fails
      // alone.
      pending = new PendingOperation(encodeOperation(operation), mayRepeat, timeoutMs, this);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#queue.add(pending);
    this.#schedule();
    return pending.start(signal, () => this.#channel.noResponseError(timeoutMs));
  }

  /** A daemon answered with an error. If it is unavailable, another one may execute the operation. */
  onFailure(pending: PendingOperation, failure: OperationError__Output): void {
    const { code, message: details } = failure;
    const field = fieldOfOperation(failure);
    const error = this.#channel.explain({ code, details, field }, pending.timeoutMs);
    const isUnavailable = error.code === 'UNAVAILABLE';
    if (isUnavailable) this.#leaveAt = 0;
    if (isUnavailable && pending.mayRepeat && this.#canRepeat(pending)) this.#toFailOver.push(pending);
    else pending.reject(error);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Sends the operations that wait, as far as the stream has room. */
  #flush(): void {
    if (this.#isBackingOff || this.#isMoving) return;
    while (!this.#queue.isEmpty && this.#hasRoom()) this.#send(this.#queue.takeBatch());
    clearTimeout(this.#idleTimer);
    if (this.#stream?.inFlight === 0) this.#idleTimer = setTimeout(() => this.#closeStream(), MAX_IDLE_MS);
  }

  #send(batch: PendingOperation[]): void {
    if (batch.length === 0) return;
    try {
      this.#stream ??= this.#open();
    } catch (error) {
      for (const pending of batch) pending.reject(error);
      return;
    }
    this.#stream.send(batch);
  }

  /**
   * Whether a batch may be sent now. A stream that has reached its age is left first, once all is answered.
   */
  #hasRoom(): boolean {
    if (this.#stream === undefined) return true;
    const { inFlight } = this.#stream;
    if (performance.now() < this.#leaveAt) return inFlight < MAX_IN_FLIGHT;
    if (inFlight === 0) this.#closeStream();
    return inFlight === 0;
  }

  #open(): ApplyStream<PendingOperation> {
    this.#leaveAt = performance.now() + MAX_AGE_MS;
    const stream = new ApplyStream<PendingOperation>(
      this.#channel,
      () => this.#onBatchAnswered(),
      (end) => this.#onEnd(stream, end),
    );
    return stream;
  }

  #onBatchAnswered(): void {
    const toFailOver = this.#toFailOver;
    this.#toFailOver = [];
    if (toFailOver.length > 0) this.#sendAgain(toFailOver, true);
    else this.#failures = 0;
    this.#schedule();
  }

  /** The next operation opens another stream. */
  #closeStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.finish();
  }

  #onEnd(stream: ApplyStream<PendingOperation>, end: StreamEnd<PendingOperation>): void {
    // A stream that was left has no unanswered operations.
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    if (isUnimplemented(end.error)) void this.#tryOthers(stream.generation, end);
    else this.#settle(end);
  }

  /**
   * A legacy server has no Apply, and executed nothing: the operations go to another server if there is one.
   */
  async #tryOthers(generation: number, end: StreamEnd<PendingOperation>): Promise<void> {
    this.#isMoving = true;
    const hasOthers = await this.#channel.legacyServers.hasOthers(generation);
    this.#isMoving = false;
    if (!hasOthers || this.#channel.isClosed) return this.#settle(end);
    this.#queue.addFirst(end.unanswered);
    this.#schedule();
  }

  /** Sends the operations of a stream that ended again where that is safe, and rejects the others. */
  #settle({ unanswered, resend, error }: StreamEnd<PendingOperation>): void {
    const toSend = unanswered.filter((pending) => {
      const isSafe = resend === 'all' || (resend === 'repeatable' && pending.mayRepeat);
      if (isSafe && this.#canRepeat(pending)) return true;
      const mayBeApplied = resend === 'repeatable' && !pending.mayRepeat;
      pending.reject(mayBeApplied ? mayBeAppliedError(error as ImstateError) : (error ?? drainingError()));
      return false;
    });
    this.#sendAgain(toSend, error !== undefined);
  }

  #canRepeat({ repeats }: PendingOperation): boolean {
    return !this.#channel.isClosed && repeats < MAX_REPEATS;
  }

  /** Sends operations again before later ones, after a backoff if something failed. */
  #sendAgain(operations: PendingOperation[], afterFailure: boolean): void {
    for (const pending of operations) pending.repeats += 1;
    this.#queue.addFirst(operations);
    this.#schedule();
    if (!afterFailure || operations.length === 0 || this.#isBackingOff) return;
    this.#isBackingOff = true;
    this.#failures += 1;
    const waitMs = backoffMs(this.#failures, BACKOFF_MS.first, BACKOFF_MS.max);
    setTimeout(() => {
      this.#isBackingOff = false;
      this.#flush();
    }, waitMs);
  }
}

function drainingError(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'each daemon that was called is stopping; nothing was changed');
}

function mayBeAppliedError(error: ImstateError): ImstateError {
  return error.reworded(`${error.message}; the change may have been applied`);
}
