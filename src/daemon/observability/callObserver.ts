import { randomBytes } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CallCounts } from './callCounts.js';
import { CallDetails } from './callDetails.js';
import { idsOfLog, type WriteId } from './ids.js';
import type { ObservedCall } from './observedCall.js';
import type { Tracing } from './tracing.js';

/** pino's number of the level. */
const DEBUG = 20;

/** What {@link CallObserver} works with. */
export interface CallObserverOptions {
  log: Logger;
  /** Whether the log shows ids of users and devices as they are. */
  showIds: boolean;
  /** Undefined traces nothing. */
  tracing: Tracing | undefined;
}

/** What is seen of calls from outside: counts of all, and more of each while somebody wants that. */
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

  /** True while each call is looked at: it is traced, or has a line of the log, whose level may change at any time. */
  get wantsDetails(): boolean {
    return this.#tracing !== undefined || this.#log.levelVal <= DEBUG;
  }

  /** Begins to look at a call. */
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

/** The id that the caller or a proxy has given the request, if it fits on a line. */
function idGiven(metadata: Metadata): string | undefined {
  const [id] = metadata.get('x-request-id');
  return typeof id === 'string' && /^[\w.:/+=-]{1,128}$/.test(id) ? id : undefined;
}
