import type { Logger } from 'pino';
import { CallCounts } from './callCounts.js';
import { CallDetails } from './callDetails.js';
import { idsOfLog, type WriteId } from './ids.js';
import type { ObservedCall } from './observedCall.js';
import { RequestIds } from './requestIds.js';
import type { Tracing } from './tracing.js';

/** The number of the level in pino. */
const DEBUG = 20;

/** What a {@link CallObserver} needs. */
export interface CallObserverOptions {
  log: Logger;
  /** True if the log shows IDs of users and devices unmasked. */
  showIds: boolean;
  /** Undefined if tracing is off. */
  tracing: Tracing | undefined;
}

/** Observes calls: counts all of them, and logs and traces each one if enabled. */
export class CallObserver {
  readonly counts = new CallCounts();
  readonly requestIds = new RequestIds();
  readonly #log: Logger;
  readonly #tracing: Tracing | undefined;
  readonly #writeId: WriteId;

  constructor({ log, showIds, tracing }: CallObserverOptions) {
    this.#log = log;
    this.#tracing = tracing;
    this.#writeId = idsOfLog(showIds);
  }

  /** True while calls are traced or logged. The log level may change at any time. */
  get wantsDetails(): boolean {
    return this.#tracing !== undefined || this.#log.levelVal <= DEBUG;
  }

  /** Starts to observe a call. */
  begin(call: ObservedCall): CallDetails {
    return new CallDetails({
      call,
      log: this.#log,
      writeId: this.#writeId,
      requestId: this.requestIds.of(call.metadata),
      span: this.#tracing?.begin(call),
    });
  }
}
