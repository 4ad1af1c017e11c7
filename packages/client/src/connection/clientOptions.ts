import { CLIENT_DEFAULTS } from '../defaults.js';
import { ImstateError } from '../shared/errors.js';

/** Deadlines of a client. */
export interface ClientOptions {
  /** How long a call may take, including the connection. Milliseconds, 1 to 86,400,000; 5,000 by default. */
  timeoutMs?: number | undefined;
  /** How long connecting may take. Milliseconds, 1 to 86,400,000; 2,000 by default. */
  connectTimeoutMs?: number | undefined;
}

/** The deadlines of a channel, in milliseconds. */
export interface Timeouts {
  /** Of a call, including the connection. */
  readonly timeoutMs: number;
  /** Of connecting, for which gRPC has no deadline. */
  readonly connectTimeoutMs: number;
}

/** A day: gRPC accepts no deadline that is much longer. */
const MAX_TIMEOUT_MS = 86_400_000;

/** The deadlines of the options, with defaults; throws INVALID_ARGUMENT if one is out of range. */
export function timeoutsOf(options: ClientOptions): Timeouts {
  return {
    timeoutMs: checkTimeout(options.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs),
    connectTimeoutMs: checkTimeout(options.connectTimeoutMs ?? CLIENT_DEFAULTS.connectTimeoutMs),
  };
}

/** Returns the timeout; throws INVALID_ARGUMENT if it is out of range. */
export function checkTimeout(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  const rule = `timeoutMs must be from 1 to ${MAX_TIMEOUT_MS}`;
  throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'timeoutMs' });
}
