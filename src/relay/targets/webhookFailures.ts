import { messageOf } from 'imstate-client/internal/shared/errors';
import { DeliveryError } from '../target.js';

/** The longest pause that a webhook may ask for. Milliseconds. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** The code of OpenSSL for a certificate that it does not accept. */
const CERTIFICATE_CODE =
  /^(UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|ERR_TLS_CERT_ALTNAME_INVALID)/;
const TLS_CODE = /^(ERR_SSL_|ERR_TLS_|EPROTO$)/;

/** Why a response does not acknowledge a delivery. */
export function responseFailure(
  host: string,
  status: number,
  retryAfter: string | string[] | undefined,
): DeliveryError {
  const retryAfterMs = parseRetryAfter(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, Date.now());
  return new DeliveryError(responseMessage(host, status), { retryAfterMs, isGone: status === 410 });
}

function responseMessage(host: string, status: number): string {
  if (status >= 300 && status < 400)
    return `${host} redirects (HTTP status ${status}), which is not followed: deliver to its new URL`;
  if (status === 410) return `${host} accepts no events any more (HTTP status 410)`;
  return `${host} rejects the delivery: HTTP status ${status}`;
}

/**
 * The pause that a header `Retry-After` asks for, limited to an hour: seconds, or an HTTP date. Undefined if there is
 * none, or it is malformed. Milliseconds.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  // The date must be complete: Date.parse() accepts almost anything with a number.
  const isDate = /^\w{3}, .+ GMT$/.test(value);
  const pauseMs = /^\d+$/.test(value)
    ? Number(value) * 1_000
    : isDate
      ? Date.parse(value) - nowMs
      : Number.NaN;
  return Number.isNaN(pauseMs) ? undefined : Math.min(Math.max(pauseMs, 0), MAX_RETRY_AFTER_MS);
}

/** Why a request got no response. */
export function requestFailure(host: string, error: unknown): DeliveryError {
  return new DeliveryError(requestMessage(host, error), { cause: error });
}

function requestMessage(host: string, error: unknown): string {
  const { code = '', reason } = error as { code?: string; reason?: string };
  if (CERTIFICATE_CODE.test(code))
    return `the certificate of ${host} is not accepted (${messageOf(error)}): name its CA`;
  // `reason` is the short form of what OpenSSL says.
  if (TLS_CODE.test(code)) return `TLS with ${host} failed: ${reason ?? messageOf(error)}`;
  if (code === 'UND_ERR_SOCKET') return `${host} closed the connection before it responded`;
  return `the request to ${host} failed: ${messageOf(error)}`;
}
