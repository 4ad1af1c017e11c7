import { status } from '@grpc/grpc-js';
import type { Operation__Output } from 'imstate-client/internal/generated/imstate/v1/Operation';
import type { Logger } from 'pino';
import { copyString } from '../copyString.js';
import type { WriteId } from './ids.js';
import type { ObservedCall } from './observedCall.js';
import type { OperationName } from './operationNames.js';
import type { CallSpan } from './tracing.js';

interface CallDetailsOptions {
  call: ObservedCall;
  requestId: string;
  log: Logger;
  writeId: WriteId;
  /** Undefined if tracing is off. */
  span: CallSpan | undefined;
}

/** The IDs in a request of either service. */
interface Named {
  userId?: string;
  deviceId?: string;
  UserID?: string;
  DeviceID?: string;
}

interface Ids {
  userId?: string | undefined;
  deviceId?: string | undefined;
}

/** How a call or an operation ended, and whom it concerned. */
interface Ended {
  code: number;
  ms: number;
  ids?: Ids | undefined;
}

/** The details of one call: a line of the log, and a span. */
export class CallDetails {
  readonly #options: CallDetailsOptions;
  /** The IDs of the first message. They are masked when the line is written. */
  #ids: Ids | undefined;

  constructor(options: CallDetailsOptions) {
    this.#options = options;
  }

  /** Passes a message on, within the span of the call. */
  pass(message: unknown, next: (message: unknown) => void): void {
    this.#ids ??= idsIn(message as Named);
    this.run(() => next(message));
  }

  /** Runs an action within the span of the call. */
  run(action: () => void): void {
    const { span } = this.#options;
    if (span) span.run(action);
    else action();
  }

  /** A call that carried `operations` operations is over. */
  end(code: number, ms: number, operations = 1): void {
    this.#options.span?.end(code);
    const fields = operations === 1 ? {} : { operations };
    this.#write('call', fields, { code, ms, ids: this.#ids });
  }

  /** An operation of a batch is over; the call that carried the batch continues. */
  endOperation(operation: OperationName, request: Operation__Output, code: number, ms: number): void {
    const ids = request.online ?? request.offline ?? request.heartbeat ?? request.getUser ?? undefined;
    this.#write('operation', { operation }, { code, ms, ids });
  }

  #write(message: string, fields: object, { code, ms, ids = {} }: Ended): void {
    const { call, requestId, log, writeId } = this.#options;
    if (!log.isLevelEnabled('debug')) return;
    const { userId, deviceId } = ids;
    const line = {
      requestId,
      method: call.path,
      ...fields,
      status: status[code],
      ms: Math.round(ms * 1_000) / 1_000,
      peer: call.peer,
      ...(userId && { user: writeId(userId) }),
      ...(deviceId && { device: writeId(deviceId) }),
    };
    log.debug(line, message);
  }
}

function idsIn(request: Named): Ids {
  const { userId = request.UserID, deviceId = request.DeviceID } = request;
  return { userId: copyString(userId), deviceId: copyString(deviceId) };
}
