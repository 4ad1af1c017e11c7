import { status } from '@grpc/grpc-js';
import type { RawAnswer } from '../support/rawGrpc.ts';
import type { CallCase } from './calls.ts';

/** What tells of the inside of a daemon, and has no place in an answer. */
const INSIDE = /\n\s*at |node_modules|\.[jt]s:\d|internal fault/;
const STATUSES: string[] = Object.values(status)
  .filter((code) => typeof code === 'number')
  .map(String);

/** What is wrong with the answer to a call, in words; undefined if a call may be answered so. */
export function faultOf(call: CallCase, { headers, body, reset, isGivenUp }: RawAnswer): string | undefined {
  if (isGivenUp) return 'no end of the answer';
  const http = headers[':status'] === undefined ? undefined : Number(headers[':status']);
  if (http === undefined) return reset === undefined ? 'nothing at all' : refusal(call, reset);
  const code = headers['grpc-status'];
  const message = decoded(String(headers['grpc-message'] ?? ''));
  // grpc-js puts the path of an unknown method into its answer as it came.
  if (message === undefined && Number(code) === status.UNIMPLEMENTED) return undefined;
  if (message === undefined) return `a message that is not percent-encoded: ${headers['grpc-message']}`;
  if (INSIDE.test(message)) return `a message that tells of the inside: ${message}`;
  if (http !== 200) return http >= 400 && http < 500 ? undefined : `status ${http} of HTTP`;
  if (!STATUSES.includes(String(code))) return `status ${code} of gRPC`;
  if (Number(code) === status.UNKNOWN) return `status UNKNOWN: ${message}`;
  return Number(code) === status.OK ? faultOfBody(body) : undefined;
}

function decoded(message: string): string | undefined {
  try {
    return decodeURIComponent(message);
  } catch {
    return undefined;
  }
}

/** What is reset before it was looked at must have broken the rules of HTTP/2, or of the server. */
function refusal({ headers }: CallCase, reset: number): string | undefined {
  const isOdd = Object.keys(headers).length > 0;
  return isOdd ? undefined : `reset with ${reset} and no answer`;
}

/** Whole frames, and nothing else. */
function faultOfBody(body: Buffer): string | undefined {
  for (let at = 0; at < body.length; ) {
    if (at + 5 > body.length) return 'a frame that is cut off';
    at += 5 + body.readUInt32BE(at + 1);
    if (at > body.length) return 'a frame that is cut off';
  }
  return undefined;
}
