import { status } from '@grpc/grpc-js';
import type { RawAnswer } from '../support/rawGrpc.ts';
import type { CallCase } from './calls.ts';

/** Internal details of a daemon that no response may contain. */
const INSIDE = /\n\s*at |node_modules|\.[jt]s:\d|internal error: see/;
const STATUSES: string[] = Object.values(status)
  .filter((code) => typeof code === 'number')
  .map(String);

/** Describes what is wrong with the response to a call; undefined if it is valid. */
export function faultOf(call: CallCase, { headers, body, reset, isGivenUp }: RawAnswer): string | undefined {
  if (isGivenUp) return 'the response does not end';
  const http = headers[':status'] === undefined ? undefined : Number(headers[':status']);
  if (http === undefined) return reset === undefined ? 'nothing at all' : refusal(call, reset);
  const code = headers['grpc-status'];
  const message = decoded(String(headers['grpc-message'] ?? ''));
  // grpc-js puts the path of an unknown method into its response without encoding it.
  if (message === undefined && Number(code) === status.UNIMPLEMENTED) return undefined;
  if (message === undefined) return `a message that is not percent-encoded: ${headers['grpc-message']}`;
  if (INSIDE.test(message)) return `a message with internal details: ${message}`;
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

/** Only a request that violates HTTP/2 or the limits of the server may be reset without a response. */
function refusal({ headers }: CallCase, reset: number): string | undefined {
  const isOdd = Object.keys(headers).length > 0;
  return isOdd ? undefined : `reset with ${reset} and no answer`;
}

/** The body must consist of whole frames. */
function faultOfBody(body: Buffer): string | undefined {
  for (let at = 0; at < body.length; ) {
    if (at + 5 > body.length) return 'a frame that is cut off';
    at += 5 + body.readUInt32BE(at + 1);
    if (at > body.length) return 'a frame that is cut off';
  }
  return undefined;
}
