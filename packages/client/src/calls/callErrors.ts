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
  [status.FAILED_PRECONDITION]: 'SUPERSEDED',
  [status.UNIMPLEMENTED]: 'UNIMPLEMENTED',
};

/** What a call failed with, in gRPC's terms. */
export interface Fault {
  code: status;
  details: string;
  /** The field that an operation was rejected for; that of a call is in its metadata. */
  field?: string | undefined;
  metadata?: Metadata | undefined;
}

/**
 * Whether a daemon that has too much to do refused the call or stream before doing anything, so that anything may be asked again. Other
 * things are exhausted for good, such as the size of a message: gRPC's word for "try again" is not with them.
 */
export function isShed({ code, metadata }: Pick<ServiceError, 'code' | 'metadata'>): boolean {
  return code === status.RESOURCE_EXHAUSTED && metadata.get('grpc-retry-pushback-ms').length > 0;
}

/**
 * Whether a daemon ended a stream whose connection has reached its age: a stream that is opened at once goes to another connection, and
 * nothing has failed.
 */
export function isHandover({ code, metadata }: Pick<ServiceError, 'code' | 'metadata'>): boolean {
  return code === status.UNAVAILABLE && metadata.get('grpc-retry-pushback-ms')[0] === '0';
}

/** Whether a daemon had no room in an answer for all that was asked for: less at once may fit. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof ImstateError) || error.code !== 'RESOURCE_EXHAUSTED') return false;
  const { metadata } = (error.cause ?? {}) as Partial<ServiceError>;
  return metadata === undefined || !isShed({ code: status.RESOURCE_EXHAUSTED, metadata });
}

/** Whether the server has no such method: it is a legacy server of pb.UserStatus, or an older daemon. */
export function isUnimplemented(error: unknown): error is ImstateError {
  return error instanceof ImstateError && error.code === 'UNIMPLEMENTED';
}

/** What was called, for messages. */
interface Called {
  /** The addresses of the daemons. */
  addresses: string;
  isTls: boolean;
  timeoutMs: number;
}

/** The error of imstate for what a call failed with; the daemon's own words are kept. */
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

function messageFor({ code, details }: Fault, { addresses, timeoutMs }: Called): string {
  if (code === status.DEADLINE_EXCEEDED)
    return `no answer within ${Math.round(timeoutMs)} ms from ${addresses}`;
  if (CODES[code] !== undefined || code === status.INTERNAL) return details;
  // Such as UNKNOWN, which servers in Go answer with when their store fails.
  return `${addresses} answered ${status[code] ?? code} (${details || 'no reason given'}): look into the log of that server`;
}

/** Why gRPC has no connection, in its words; undefined if it had one. */
function lastErrorOf(details: string): string | undefined {
  const reason = /.*Last error: (?:Error: )?(.*?)\.? Resolution note/s.exec(details)?.[1];
  return reason && plainReason(reason);
}

function noConnection(reason: string, { addresses, isTls }: Called, cause: Fault): ImstateError {
  const fault = isTls ? tlsFault(reason, daemonAt(addresses)) : undefined;
  if (fault !== undefined) return new ImstateError('TLS_FAILED', fault, { cause });
  const message = `no daemon answers at ${addresses} (${reason}): is one running there?`;
  return new ImstateError('UNAVAILABLE', message + hintOf(reason, isTls), { cause });
}

/** A daemon that is killed drops a connection too, so it is not certain. */
function hintOf(reason: string, isTls: boolean): string {
  if (!isDropped(reason)) return '';
  return isTls
    ? ' If so, it may not speak TLS, or want a certificate of its own authority: --tls-cert and --tls-key'
    : ' If so, it may speak TLS: add --tls';
}

function daemonAt(addresses: string): TlsPeer {
  return {
    ...TLS_NAMES.client,
    who: `the daemon at ${addresses}`,
    secure: 'add --tls',
    plain: 'leave --tls out, or start it with --tls-cert and --tls-key',
    otherName: 'call it by that name, or say with --tls-server-name which name its certificate has',
  };
}
