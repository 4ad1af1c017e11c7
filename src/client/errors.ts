import { type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, ImstateError } from '../errors.js';

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
}

/**
 * Whether a daemon that has too much to do refused the call or stream before doing anything, so that anything may be asked again. Other
 * things are exhausted for good, such as the size of a message: gRPC's word for "try again" is not with them.
 */
export function isShed({ code, metadata }: Pick<ServiceError, 'code' | 'metadata'>): boolean {
  return code === status.RESOURCE_EXHAUSTED && metadata.get('grpc-retry-pushback-ms').length > 0;
}

/** The error of imstate for what a call failed with; the daemon's own words are kept. */
export function fromFault(error: Fault, addresses: string, timeoutMs: number): ImstateError {
  if (error.details.startsWith('Received HTTP status code')) {
    const message = `${addresses} answered, but not as a gRPC server (${error.details}): is that an imstate daemon?`;
    return new ImstateError('UNAVAILABLE', message, { cause: error });
  }
  const code = CODES[error.code] ?? 'INTERNAL';
  return new ImstateError(code, messageFor(code, error.details, addresses, timeoutMs), { cause: error });
}

function messageFor(code: ErrorCode, details: string, addresses: string, timeoutMs: number): string {
  if (code === 'DEADLINE_EXCEEDED') return `no answer within ${timeoutMs} ms from ${addresses}`;
  if (code !== 'UNAVAILABLE') return details;
  const lastError = /.*Last error: (?:Error: )?(.*?)\.? Resolution note/.exec(details)?.[1];
  return lastError === undefined
    ? details
    : `no daemon answers at ${addresses} (${lastError}): is one running there?`;
}
