import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { ObservedCall } from './callObserver.js';
import type { WriteId } from './ids.js';
import type { CallSpan } from './tracing.js';

interface CallDetailsOptions {
  call: ObservedCall;
  requestId: string;
  log: Logger;
  writeId: WriteId;
  /** Undefined where nothing is traced. */
  span: CallSpan | undefined;
}

/** Ids in a request of either service, or in the one operation of a batch, which is what commands and clients send. */
interface Named {
  userId?: string;
  deviceId?: string;
  UserID?: string;
  DeviceID?: string;
  operations?: readonly Record<string, Named | null | undefined>[];
}

/** One call, looked at closely: a line of the log, and a span. */
export class CallDetails {
  readonly #options: CallDetailsOptions;
  /** The first message that came; the ids in it are masked when the line is written. */
  #request: Named | undefined;

  constructor(options: CallDetailsOptions) {
    this.#options = options;
  }

  /** Passes a message on; what is done then belongs to the span of the call. */
  pass(message: unknown, next: (message: unknown) => void): void {
    this.#request ??= message as Named;
    this.run(() => next(message));
  }

  /** Does what belongs to the span of the call. */
  run(action: () => void): void {
    const { span } = this.#options;
    if (span) span.run(action);
    else action();
  }

  /** The call is over. */
  end(code: number, ms: number): void {
    const { call, requestId, log, writeId, span } = this.#options;
    span?.end(code);
    if (!log.isLevelEnabled('debug')) return;
    const { userId, deviceId } = idsIn(this.#request);
    const line = {
      ...{ requestId, method: call.path, status: status[code], ms: Math.round(ms * 1_000) / 1_000 },
      peer: call.peer,
      ...(userId && { user: writeId(userId) }),
      ...(deviceId && { device: writeId(deviceId) }),
    };
    log.debug(line, 'call');
  }
}

function idsIn(request: Named | undefined): { userId?: string | undefined; deviceId?: string | undefined } {
  if (request === undefined) return {};
  const { userId = request.UserID, deviceId = request.DeviceID, operations } = request;
  if (operations?.length !== 1) return { userId, deviceId };
  const named = Object.values(operations[0] ?? {}).find((each) => each?.userId);
  return { userId: named?.userId, deviceId: named?.deviceId };
}
