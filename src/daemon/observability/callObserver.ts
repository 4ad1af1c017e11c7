import { randomBytes } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CallCounts } from './callCounts.js';
import { CallDetails } from './callDetails.js';
import { idsOfLog, type WriteId } from './ids.js';
import type { ObservedCall } from './observedCall.js';
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
  readonly #log: Logger;
  readonly #tracing: Tracing | undefined;
  readonly #writeId: WriteId;
  readonly #run = randomBytes(4).toString('hex');
  #calls = 0;

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
    this.#calls += 1;
    return new CallDetails({
      call,
      log: this.#log,
      writeId: this.#writeId,
      requestId: idGiven(call.metadata) ?? `${this.#run}-${this.#calls}`,
      span: this.#tracing?.begin(call),
    });
  }
}

/** The request ID that the caller or a proxy has set, if it fits on a line. */
function idGiven(metadata: Metadata): string | undefined {
  const [id] = metadata.get('x-request-id');
  return typeof id === 'string' && /^[\w.:/+=-]{1,128}$/.test(id) ? id : undefined;
}
