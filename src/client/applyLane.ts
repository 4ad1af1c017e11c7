import { ImstateError } from '../errors.js';
import type { GetUserRequest } from '../generated/imstate/v1/GetUserRequest.js';
import type { OnlineRequest } from '../generated/imstate/v1/OnlineRequest.js';
import type { Operation } from '../generated/imstate/v1/Operation.js';
import type { OperationResult__Output } from '../generated/imstate/v1/OperationResult.js';
import { backoffMs } from '../registry/backoff.js';
import { ApplyStream, type Sent, type StreamEnd } from './applyStream.js';
import type { Channel } from './channel.js';
import type { CallOptions } from './messages.js';

/** Operations in a batch: a daemon takes 1,000, and a smaller batch is answered sooner. */
const MOST_OPERATIONS = 500;
/** Characters in a batch: three bytes each at most, and a daemon takes 1 MiB. */
const MOST_CHARACTERS = 256 * 1024;
/** Characters in an operation: one that keeps the rules has far less, and one that does not must not fail a batch. */
const MOST_OF_ONE = 16 * 1024;
/** Batches on their way: while one is answered the next one is read. What comes meanwhile makes the batches larger. */
const MOST_BATCHES = 4;
/** A stream stays with one daemon: now and then another is opened, which round robin gives to the next one. */
const MOST_AGE_MS = 5_000;
/** A stream without anything to do is ended, so that a process which is done can end too. */
const MOST_IDLE_MS = 1_000;
/** How often an operation is sent again that a stream left unanswered. */
const MOST_REPEATS = 4;
const BACKOFF_MS = { first: 50, most: 1_000 };

/** An operation, from its call to its result. */
interface Pending extends Sent {
  /** True for what changes nothing, or nothing more when it is repeated. */
  readonly mayRepeat: boolean;
  readonly characters: number;
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
export class ApplyLane {
  readonly #channel: Channel;
  #waiting: Pending[] = [];
  #stream: ApplyStream | undefined;
  #isScheduled = false;
  #failures = 0;
  #isBackingOff = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onClosing(() => this.#stream?.cancel(new ImstateError('UNAVAILABLE', 'the client is closed')));
  }

  /** Carries an operation out; rejects with an ImstateError, or with the reason of the signal that cancelled it. */
  submit(
    operation: Operation,
    { timeoutMs = this.#channel.timeouts.timeoutMs, signal }: CallOptions = {},
    mayRepeat = false,
  ): Promise<OperationResult__Output> {
    return new Promise((resolve, reject) => {
      this.#channel.checkCall(timeoutMs, signal);
      const characters = checkSize(operation);
      const settle = (finish: () => void) => {
        if (pending.isSettled) return;
        pending.isSettled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        finish();
      };
      const pending: Pending = {
        operation,
        mayRepeat,
        characters,
        repeats: 0,
        isSettled: false,
        answer: (result) => {
          if (!result.error) settle(() => resolve(result));
          else
            this.#failed(
              pending,
              this.#channel.explain({ code: result.error.code, details: result.error.message }, timeoutMs),
            );
        },
        reject: (error) => settle(() => reject(error)),
      };
      const cancel = () => pending.reject(signal?.reason);
      const timer = setTimeout(() => pending.reject(this.#channel.silence(timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', cancel, { once: true });
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
    if (this.#isBackingOff) return;
    while (this.#waiting.length > 0) {
      if (this.#stream && performance.now() - this.#stream.openedAt > MOST_AGE_MS) {
        if (this.#stream.underWay > 0) return;
        this.#leave();
      }
      const batch = this.#takeBatch();
      if (batch.length === 0) continue;
      try {
        this.#stream ??= this.#open();
      } catch (error) {
        for (const { reject } of batch) reject(error);
        continue;
      }
      clearTimeout(this.#idle);
      this.#stream.send(batch);
      if (this.#stream.underWay >= MOST_BATCHES) return;
    }
  }

  /** Without what was given up meanwhile. */
  #takeBatch(): Pending[] {
    let characters = 0;
    const end = this.#waiting.findIndex((pending, i) => {
      characters += pending.characters;
      return i === MOST_OPERATIONS || characters > MOST_CHARACTERS;
    });
    const batch = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
    return batch.filter(({ isSettled }) => !isSettled);
  }

  #open(): ApplyStream {
    const stream: ApplyStream = new ApplyStream(
      this.#channel,
      () => this.#answered(),
      (end) => this.#ended(stream, end),
    );
    return stream;
  }

  #answered(): void {
    this.#failures = 0;
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#stream?.underWay === 0) this.#idle = setTimeout(() => this.#leave(), MOST_IDLE_MS);
  }

  /** The next operation opens another stream. */
  #leave(): void {
    clearTimeout(this.#idle);
    this.#stream?.finish();
    this.#stream = undefined;
  }

  #ended(stream: ApplyStream, { unanswered, again, error }: StreamEnd): void {
    if (this.#stream === stream) this.#stream = undefined;
    clearTimeout(this.#idle);
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
    const isHarmless = error.code === 'UNAVAILABLE' && pending.mayRepeat;
    if (isHarmless && this.#mayTryAgain(pending)) this.#sendAgain([pending], true);
    else pending.reject(error);
  }

  #mayTryAgain({ repeats }: Pending): boolean {
    return !this.#channel.isClosed && repeats < MOST_REPEATS;
  }

  /** Before what came later, and after a while if something failed. */
  #sendAgain(again: Pending[], afterFailure: boolean): void {
    for (const pending of again) pending.repeats += 1;
    this.#waiting = [...again, ...this.#waiting];
    if (!afterFailure) {
      if (this.#waiting.length > 0) this.#schedule();
      return;
    }
    if (this.#isBackingOff) return;
    this.#isBackingOff = true;
    this.#failures += 1;
    const waitMs = backoffMs(this.#failures, BACKOFF_MS.first, BACKOFF_MS.most);
    const goOn = () => {
      this.#isBackingOff = false;
      this.#flush();
    };
    if (this.#waiting.length > 0) setTimeout(goOn, waitMs);
    else goOn();
  }
}

function checkSize(operation: Operation): number {
  const { userId, deviceId, ...rest }: Partial<OnlineRequest & GetUserRequest> =
    operation.online ?? operation.offline ?? operation.heartbeat ?? operation.getUser ?? {};
  const texts = [userId, deviceId, rest.sessionId, rest.serverAddr, rest.platform];
  let characters = 0;
  for (const text of texts) characters += text?.length ?? 0;
  for (const key in rest.metadata) characters += key.length + (rest.metadata[key]?.length ?? 0);
  if (characters <= MOST_OF_ONE) return characters;
  throw new ImstateError(
    'INVALID_ARGUMENT',
    `the operation has ${characters} characters: ids are at most 256 bytes, and metadata 1 KiB`,
  );
}

function stopped(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'each daemon that was asked is stopping; nothing was changed');
}

function unsure(error: ImstateError): ImstateError {
  return new ImstateError(error.code, `${error.message}; the change may have been applied`, { cause: error });
}
