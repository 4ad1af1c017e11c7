import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, ImstateError } from '../shared/errors.js';
import { isDropped, plainReason, type TlsPeer, tlsFault } from '../tls/faults.js';
import { TLS_NAMES } from '../tls/names.js';
import { DETAILS_KEY, decodeBadRequest } from '../wire/badRequest.js';

const CODES: Partial<Record<status, ErrorCode>> = {
  [status.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [status.UNAVAILABLE]: 'UNAVAILABLE',
  [status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [status.RESOURCE_EXHAUSTED]: 'RESOURCE_EXHAUSTED',
  [status.OUT_OF_RANGE]: 'OUT_OF_RANGE',
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
  [status.PERMISSION_DENIED]: 'PERMISSION_DENIED',
  [status.FAILED_PRECONDITION]: 'FAILED_PRECONDITION',
  [status.UNIMPLEMENTED]: 'UNIMPLEMENTED',
};

/** The status with which a call failed. */
export interface Fault {
  code: status;
  details: string;
  /** The field that an operation was rejected for; that of a call is in its metadata. */
  field?: string | undefined;
  metadata?: Metadata | undefined;
}

/**
 * Whether an overloaded daemon rejected the call or stream before it did anything, so that any call may be
 * repeated. Without the pushback, RESOURCE_EXHAUSTED means a limit that a retry meets again, such as the size
 * of a message.
 */
export function isShed({ code, metadata }: Pick<ServiceError, 'code' | 'metadata'>): boolean {
  return code === status.RESOURCE_EXHAUSTED && metadata.get('grpc-retry-pushback-ms').length > 0;
}

/**
 * Whether a daemon ended a stream because its connection has reached its maximum age. Nothing has failed: a
 * new stream uses another connection.
 */
export function isHandover({ code, metadata }: Pick<ServiceError, 'code' | 'metadata'>): boolean {
  return code === status.UNAVAILABLE && metadata.get('grpc-retry-pushback-ms')[0] === '0';
}

/** Whether the response would have been too large: a smaller request may succeed. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof ImstateError) || error.code !== 'RESOURCE_EXHAUSTED') return false;
  const { metadata } = (error.cause ?? {}) as Partial<ServiceError>;
  return metadata === undefined || !isShed({ code: status.RESOURCE_EXHAUSTED, metadata });
}

/**
 * Rejects with NOT_FOUND where that has a meaning, for a call that names something in `field`. From other calls it is
 * the status of a server whose store fails.
 */
export function rejectNotFound(field: string): (error: unknown) => never {
  return (error) => {
    const { code, details } = ((error as Error).cause ?? {}) as Partial<ServiceError>;
    if (code !== status.NOT_FOUND) throw error;
    throw new ImstateError('NOT_FOUND', details ?? '', { cause: error, field });
  };
}

/** Whether the server does not know the method: it is a legacy server, or an older daemon. */
export function isUnimplemented(error: unknown): error is ImstateError {
  return error instanceof ImstateError && error.code === 'UNIMPLEMENTED';
}

/** The peer of a call, for messages. */
interface Called {
  /** The addresses of the daemons. */
  addresses: string;
  isTls: boolean;
  timeoutMs: number;
}

/** The ImstateError for the status of a call. It keeps the message of a daemon. */
export function fromFault(error: Fault, called: Called): ImstateError {
  const { addresses } = called;
  if (error.details.startsWith('Received HTTP status code')) {
    const message = `${addresses} answered, but not as a gRPC server (${error.details}): is that an imstate daemon?`;
    return new ImstateError('UNAVAILABLE', message, { cause: error });
  }
  const code = CODES[error.code] ?? 'INTERNAL';
  const lastError = code === 'UNAVAILABLE' ? lastErrorOf(error.details) : undefined;
  if (lastError !== undefined) return noConnection(lastError, called, error);
  const field = error.field ?? fieldIn(error.metadata);
  return new ImstateError(code, messageFor(error, called), { cause: error, field });
}

/** The field that the details of the error name, which older daemons and other servers leave out. */
function fieldIn(metadata: Metadata | undefined): string | undefined {
  const [details] = metadata?.get(DETAILS_KEY) ?? [];
  return details instanceof Uint8Array ? decodeBadRequest(details) : undefined;
}

/** In the details of a server that does not know a method of PresenceService. */
const UNKNOWN_METHOD = /does not implement the method \/imstate\.v1\.PresenceService\/(\w+)/;

function messageFor({ code, details }: Fault, { addresses, timeoutMs }: Called): string {
  const [, method] = code === status.UNIMPLEMENTED ? (UNKNOWN_METHOD.exec(details) ?? []) : [];
  if (method !== undefined) {
    // Version 0.1.0 knows all older methods. Any of several daemons may have answered.
    const peer = `${addresses.includes(',') ? 'one of the daemons' : 'a daemon'} at ${addresses}`;
    return `${method} needs imstate 0.2.0 or later, and ${peer} is older, or no imstate daemon: upgrade it`;
  }
  if (code === status.DEADLINE_EXCEEDED)
    return `no answer within ${Math.round(timeoutMs)} ms from ${addresses}`;
  if (CODES[code] !== undefined || code === status.INTERNAL) return details;
  // Such as UNKNOWN, the status of Go servers whose store fails.
  return `${addresses} answered ${status[code] ?? code} (${details || 'no reason given'}): check the log of that server`;
}

/** Why gRPC has no connection, in its own words; undefined if it had one. */
function lastErrorOf(details: string): string | undefined {
  const reason = /.*Last error: (?:Error: )?(.*?)\.? Resolution note/s.exec(details)?.[1];
  return reason && plainReason(reason);
}

function noConnection(reason: string, { addresses, isTls }: Called, cause: Fault): ImstateError {
  const fault = isTls ? tlsFault(reason, daemonAt(addresses)) : undefined;
  if (fault !== undefined) return new ImstateError('TLS_FAILED', fault.message, { cause, field: fault.flag });
  const message = `no daemon answers at ${addresses} (${reason}): is one running there?`;
  return new ImstateError('UNAVAILABLE', message + hintOf(reason, isTls), { cause });
}

/** Only a hint: a daemon that is killed drops its connections too. */
function hintOf(reason: string, isTls: boolean): string {
  if (!isDropped(reason)) return '';
  return isTls
    ? ' If so, it may not use TLS, or require a certificate of its own CA: --tls-cert and --tls-key'
    : ' If so, it may require TLS: add --tls';
}

function daemonAt(addresses: string): TlsPeer {
  return {
    ...TLS_NAMES.client,
    who: `the daemon at ${addresses}`,
    secure: 'add --tls',
    plain: 'omit --tls, or start it with --tls-cert and --tls-key',
    otherName: 'call it by that name, or set --tls-server-name to a name in its certificate',
  };
}
