import { createRequire } from 'node:module';

/** The longest timer of Node.js, in milliseconds; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The longest `grpc-timeout` below that: 24.8 days. */
const LONGEST_TIMEOUT = `${Math.floor(MAX_TIMER_MS / 1_000)}S`;
/** The units in which the eight digits of the header may exceed it. */
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

const MODULE = '@grpc/grpc-js/build/src/server-interceptors.js';
const applied = new WeakSet<object>();

interface TimeoutReader {
  handleTimeoutHeader(header: { toString(): string }): void;
}

/**
 * Patch of grpc-js: a call whose `grpc-timeout` is 25 days or more gets the longest timeout that Node.js has.
 * grpc-js truncates the milliseconds to 32 bits, so such a call fails at once or much too early. No
 * interceptor sees the header: grpc-js reads it when it creates the call.
 *
 * - Upstream: https://github.com/grpc/grpc-node/issues/1167 is the same overflow in the client; no issue for
 *   the server.
 * - Tested with grpc-js 1.14.7.
 * - Relies on: the class `BaseServerInterceptingCall` of an internal module, and its method
 *   `handleTimeoutHeader`.
 * - Fallback: grpc-js reads the header.
 *
 * Returns whether the patch is applied; a second call changes nothing.
 */
export function capLongTimeouts(load: () => unknown = loadModule): boolean {
  const reader = prototypeIn(load);
  if (typeof reader?.handleTimeoutHeader !== 'function') return false;
  if (applied.has(reader)) return true;
  const { handleTimeoutHeader: read } = reader;
  reader.handleTimeoutHeader = function handleTimeoutHeader(header) {
    read.call(this, capTimeout(String(header)));
  };
  applied.add(reader);
  return true;
}

/** The header as it is unless it exceeds the longest timer. */
export function capTimeout(header: string): string {
  const unitMs = UNIT_MS[header.at(-1) ?? ''];
  if (unitMs === undefined) return header;
  return Number(header.slice(0, -1)) * unitMs > MAX_TIMER_MS ? LONGEST_TIMEOUT : header;
}

function loadModule(): unknown {
  return createRequire(import.meta.url)(MODULE);
}

function prototypeIn(load: () => unknown): Partial<TimeoutReader> | undefined {
  try {
    const { BaseServerInterceptingCall } = load() as {
      BaseServerInterceptingCall?: { prototype?: Partial<TimeoutReader> };
    };
    return BaseServerInterceptingCall?.prototype;
  } catch {
    return undefined;
  }
}
