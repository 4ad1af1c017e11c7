import { ImstateError } from 'imstate-client';

/** Errors that pass: a daemon or the store is away. Others end the process. */
const PASSING = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'NO_ENDPOINT',
  'REGISTRY_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'INTERNAL',
]);

const PASSING_LATER = new Set([
  'UNIMPLEMENTED',
  'RESOURCE_EXHAUSTED',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'TLS_FAILED',
]);

/**
 * Whether an error passes. Once it has worked, so do those that a change of credentials, of certificates or of versions
 * explains: restarting the process would not help.
 */
export function isPassing(error: unknown, isEstablished: boolean): boolean {
  if (!(error instanceof ImstateError)) return false;
  return PASSING.has(error.code) || (isEstablished && PASSING_LATER.has(error.code));
}
