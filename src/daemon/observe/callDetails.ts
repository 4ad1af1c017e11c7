import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { ownCopy } from '../ownCopy.js';
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

interface Ids {
  userId?: string | undefined;
  deviceId?: string | undefined;
}

/** One call, looked at closely: a line of the log, and a span. */
export class CallDetails {
  readonly #options: CallDetailsOptions;
  /** Of the first message that came; masked when the line is written. */
  #ids: Ids | undefined;

  constructor(options: CallDetailsOptions) {
    this.#options = options;
  }

  /** Passes a message on; what is done then belongs to the span of the call. */
  pass(message: unknown, next: (message: unknown) => void): void {
    this.#ids ??= idsIn(message as Named);
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
    const { userId, deviceId } = this.#ids ?? {};
    const line = {
      ...{ requestId, method: call.path, status: status[code], ms: Math.round(ms * 1_000) / 1_000 },
      peer: call.peer,
      ...(userId && { user: writeId(userId) }),
      ...(deviceId && { device: writeId(deviceId) }),
    };
    log.debug(line, 'call');
  }
}

function idsIn(request: Named): Ids {
  const { userId = request.UserID, deviceId = request.DeviceID, operations } = request;
  const named =
    operations?.length === 1
      ? Object.values(operations[0] ?? {}).find((each) => each?.userId)
      : { userId, deviceId };
  return { userId: ownCopy(named?.userId), deviceId: ownCopy(named?.deviceId) };
}
