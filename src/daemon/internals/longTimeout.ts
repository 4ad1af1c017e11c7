import { BaseServerInterceptingCall } from '@grpc/grpc-js/build/src/server-interceptors.js';

/** What Node.js takes for a timer at most, in milliseconds; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The longest `grpc-timeout` below that: 24.8 days. */
const LONGEST = `${Math.floor(MAX_TIMER_MS / 1_000)}S`;
/** The units in which the eight digits of the header may say more. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

interface TimeoutReader {
  handleTimeoutHeader(this: BaseServerInterceptingCall, header: { toString(): string }): void;
}

let hasApplied = false;

/**
 * Patch of grpc-js: a call with a `grpc-timeout` of 25 days or more gets the longest timeout there is. grpc-js cuts the
 * milliseconds off at 32 bits, so such a call would fail at once, or much too early. It has no interceptor for the header, which
 * it reads when it makes the call. Tested with grpc-js 1.14.7; returns whether the method to patch is there.
 */
export function capLongTimeouts(): boolean {
  const reader = BaseServerInterceptingCall.prototype as unknown as Partial<TimeoutReader>;
  const { handleTimeoutHeader: read } = reader;
  if (hasApplied || typeof read !== 'function') return hasApplied;
  reader.handleTimeoutHeader = function handleTimeoutHeader(header) {
    read.call(this, capTimeout(String(header)));
  };
  hasApplied = true;
  return true;
}

/** The header as it is unless it says more than a timer can wait. */
export function capTimeout(header: string): string {
  const unitMs = UNIT_MS[header.at(-1) ?? ''];
  if (unitMs === undefined) return header;
  return Number(header.slice(0, -1)) * unitMs > MAX_TIMER_MS ? LONGEST : header;
}
