import { isUnimplemented } from '../calls/callErrors.js';
import type { CallOptions } from '../calls/messages.js';
import type { Channel } from '../connection/channel.js';
import type { ApplyRequest } from '../generated/imstate/v1/ApplyRequest.js';
import type { Operation } from '../generated/imstate/v1/Operation.js';
import type { OperationResult__Output } from '../generated/imstate/v1/OperationResult.js';
import { backoffMs } from '../shared/backoff.js';
import { ImstateError, messageOf } from '../shared/errors.js';
import { onAbort } from '../shared/onAbort.js';
import { loadCodec } from '../wire/codec.js';
import { ApplyStream, type Sent, type StreamEnd } from './applyStream.js';
import { fieldOfOperation } from './operationField.js';

/** Operations in a batch: a daemon takes 1,000, and a smaller batch is answered sooner. */
const MAX_OPERATIONS = 500;
/** A daemon takes 1 MiB. */
const MAX_BYTES = 512 * 1024;
/** An operation that keeps the rules has far less, and one that does not must not fail a batch. */
const MAX_BYTES_OF_ONE = 16 * 1024;
/** Batches on their way: while one is answered the next one is read. What comes meanwhile makes the batches larger. */
const MAX_BATCHES = 4;
/** A stream stays with one daemon: now and then another is opened, which round robin gives to the next one. */
const MAX_AGE_MS = 5_000;
/** A stream without anything to do is ended, so that a process which is done can end too. */
const MAX_IDLE_MS = 1_000;
/** How often an operation is sent again that a stream left unanswered. */
const MAX_REPEATS = 4;
const BACKOFF_MS = { first: 50, max: 1_000 };

/** An operation, from its call to its result. */
interface Pending extends Sent {
  /** True for what changes nothing, or nothing more when it is repeated. */
  readonly mayRepeat: boolean;
  repeats: number;
  isSettled: boolean;
  reject(error: unknown): void;
}

/**
 * The fast lane of a client: operations that are asked for in the same turn of the event loop, and those that come while batches
 * are on their way, travel together on one stream of Apply. Operations of one user take effect in the order of the calls.
 *
 * When a stream breaks, what was not answered is sent on another one if that is harmless: if a daemon that stops says that it was not
 * applied, and if it may be repeated. Otherwise it is rejected as UNAVAILABLE.
 */
export class BatchingClient {
  readonly #channel: Channel;
  readonly #write = loadCodec().writer<ApplyRequest>('imstate.v1.ApplyRequest');
  #waiting: Pending[] = [];
  /** Of the batch that is being answered: what the daemon cannot do now, and is to be sent again. */
  #refused: Pending[] = [];
  #stream: ApplyStream | undefined;
  #leaveAt = 0;
  #isScheduled = false;
  #failures = 0;
  #isBackingOff = false;
  /** True while another server is looked for: what comes later must not overtake. */
  #isMoving = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onClosing(() => {
      const error = new ImstateError('UNAVAILABLE', 'the client is closed');
      this.#stream?.cancel(error);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Carries an operation out; rejects with an ImstateError, or with the reason of the signal that cancelled it. */
  submit(
    operation: Operation,
    { timeoutMs = this.#channel.timeouts.timeoutMs, signal }: CallOptions = {},
    mayRepeat = false,
  ): Promise<OperationResult__Output> {
    return new Promise((resolve, reject) => {
      this.#channel.checkCall(timeoutMs, signal);
      const request = this.#encode(operation);
      const settle = (finish: () => void) => {
        if (pending.isSettled) return;
        pending.isSettled = true;
        clearTimeout(timer);
        removeAbort();
        finish();
      };
      const pending: Pending = {
        request,
        mayRepeat,
        repeats: 0,
        isSettled: false,
        answer: (result) => {
          if (!result.error) return settle(() => resolve(result));
          const { code, message: details } = result.error;
          const field = fieldOfOperation(result.error);
          this.#failed(pending, this.#channel.explain({ code, details, field }, timeoutMs));
        },
        reject: (error) => settle(() => reject(error)),
      };
      const timer = setTimeout(() => pending.reject(this.#channel.silence(timeoutMs)), timeoutMs);
      const removeAbort = onAbort(signal, () => pending.reject(signal?.reason));
      this.#waiting.push(pending);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Sends what waits, as far as there is room on the stream. */
  #flush(): void {
    if (this.#isBackingOff || this.#isMoving) return;
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      const batch = this.#takeBatch();
      if (batch.length === 0) continue;
      try {
        this.#stream ??= this.#open();
      } catch (error) {
        for (const { reject } of batch) reject(error);
        continue;
      }
      this.#stream.send(batch);
    }
    clearTimeout(this.#idle);
    if (this.#stream?.inFlight === 0) this.#idle = setTimeout(() => this.#leave(), MAX_IDLE_MS);
  }

  /** Whether a batch may be sent now. A stream that is to be left is left first, once all is answered. */
  #hasRoom(): boolean {
    if (this.#stream === undefined) return true;
    const { inFlight } = this.#stream;
    if (performance.now() < this.#leaveAt) return inFlight < MAX_BATCHES;
    if (inFlight === 0) this.#leave();
    return inFlight === 0;
  }

  /** Without what was given up meanwhile. */
  #takeBatch(): Pending[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ request }, i) => {
      bytes += request.length;
      return i === MAX_OPERATIONS || bytes > MAX_BYTES;
    });
    const batch = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
    return batch.filter(({ isSettled }) => !isSettled);
  }

  #open(): ApplyStream {
    this.#leaveAt = performance.now() + MAX_AGE_MS;
    const stream: ApplyStream = new ApplyStream(
      this.#channel,
      () => this.#answered(),
      (end) => this.#ended(stream, end),
    );
    return stream;
  }

  #answered(): void {
    const refused = this.#refused;
    this.#refused = [];
    if (refused.length > 0) this.#sendAgain(refused, true);
    else this.#failures = 0;
    this.#schedule();
  }

  /** The next operation opens another stream. */
  #leave(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.finish();
  }

  #ended(stream: ApplyStream, end: StreamEnd): void {
    // One that was left has nothing unanswered.
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    if (isUnimplemented(end.error)) void this.#tryOthers(stream.generation, end);
    else this.#settle(end);
  }

  /** A legacy server has no Apply, and did nothing: all goes to another server if there is one. */
  async #tryOthers(generation: number, end: StreamEnd): Promise<void> {
    this.#isMoving = true;
    const hasOthers = await this.#channel.legacyServers.hasOthers(generation);
    this.#isMoving = false;
    if (!hasOthers || this.#channel.isClosed) return this.#settle(end);
    this.#waiting = [...(end.unanswered as Pending[]), ...this.#waiting];
    this.#schedule();
  }

  /** Sends again what may be sent again of a stream that ended, and rejects the rest. */
  #settle({ unanswered, again, error }: StreamEnd): void {
    const toSend = (unanswered as Pending[]).filter((pending) => {
      const isHarmless = again === 'all' || (again === 'harmless' && pending.mayRepeat);
      if (isHarmless && this.#mayTryAgain(pending)) return true;
      pending.reject(
        again === 'harmless' && !pending.mayRepeat ? unsure(error as ImstateError) : (error ?? stopped()),
      );
      return false;
    });
    this.#sendAgain(toSend, error !== undefined);
  }

  /** A daemon answered that it cannot: another may. */
  #failed(pending: Pending, error: ImstateError): void {
    const isUnavailable = error.code === 'UNAVAILABLE';
    if (isUnavailable) this.#leaveAt = 0;
    if (isUnavailable && pending.mayRepeat && this.#mayTryAgain(pending)) this.#refused.push(pending);
    else pending.reject(error);
  }

  #mayTryAgain({ repeats }: Pending): boolean {
    return !this.#channel.isClosed && repeats < MAX_REPEATS;
  }

  /** Before what came later, and after a while if something failed. */
  #sendAgain(again: Pending[], afterFailure: boolean): void {
    for (const pending of again) pending.repeats += 1;
    this.#waiting = [...again, ...this.#waiting];
    this.#schedule();
    if (!afterFailure || again.length === 0 || this.#isBackingOff) return;
    this.#isBackingOff = true;
    this.#failures += 1;
    setTimeout(
      () => {
        this.#isBackingOff = false;
        this.#flush();
      },
      backoffMs(this.#failures, BACKOFF_MS.first, BACKOFF_MS.max),
    );
  }

  /** Written at once: the caller may use its objects for something else, and what cannot be written fails alone. */
  #encode(operation: Operation): Buffer {
    let request: Buffer;
    try {
      request = this.#write({ operations: [operation] });
    } catch (error) {
      throw new ImstateError('INVALID_ARGUMENT', `the operation cannot be written: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (request.length <= MAX_BYTES_OF_ONE) return request;
    throw new ImstateError(
      'INVALID_ARGUMENT',
      `the operation has ${request.length} bytes: ids are at most 256 bytes, and metadata 1 KiB`,
    );
  }
}

function stopped(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'each daemon that was asked is stopping; nothing was changed');
}

function unsure(error: ImstateError): ImstateError {
  return error.reworded(`${error.message}; the change may have been applied`);
}
