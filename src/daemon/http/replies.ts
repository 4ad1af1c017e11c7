import type { ServerResponse } from 'node:http';
import { status } from '@grpc/grpc-js';
import { faultJson } from 'imstate-client/internal/json';
import type { ImstateError } from 'imstate-client/internal/shared/errors';

/** The HTTP status for a gRPC status, as gateways translate it; 500 for the others. */
const STATUSES: Partial<Record<status, number>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.FAILED_PRECONDITION]: 400,
  [status.OUT_OF_RANGE]: 400,
  [status.UNAUTHENTICATED]: 401,
  [status.PERMISSION_DENIED]: 403,
  [status.NOT_FOUND]: 404,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.UNIMPLEMENTED]: 501,
  [status.UNAVAILABLE]: 503,
  [status.DEADLINE_EXCEEDED]: 504,
};

/** Sends a text, which browsers must neither interpret as anything else nor cache. */
export function sendText(response: ServerResponse, code: number, text: string, type = 'text/plain'): void {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  response.writeHead(code, headers).end(text);
}

/** Sends JSON. */
export function sendJson(response: ServerResponse, code: number, value: unknown): void {
  sendText(response, code, `${JSON.stringify(value)}\n`, 'application/json');
}

/** Sends an error, in the shape that commands print with --json. */
export function sendError(response: ServerResponse, error: ImstateError): void {
  const { status: ofGrpc } = error;
  if (ofGrpc === status.UNAUTHENTICATED) response.setHeader('www-authenticate', 'Bearer');
  sendJson(response, STATUSES[ofGrpc] ?? 500, { error: faultJson(error) });
}
