import { isIP } from 'node:net';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { privateRange } from './privateAddresses.js';

/**
 * Throws INVALID_ARGUMENT for a URL to which webhooks must not deliver. The names of hosts are checked when connecting,
 * because what they resolve to changes.
 */
export function checkWebhookUrl(url: URL, { allowPrivate }: { allowPrivate: boolean }): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw invalid(`${url.protocol} is no protocol of webhooks: use https:`);
  if (url.username !== '' || url.password !== '')
    throw invalid('credentials in the URL are not sent: remove them, and sign with --secret-file');
  if (allowPrivate) return;
  if (url.protocol === 'http:')
    throw invalid('http: is not encrypted: use https:, or allow it with --allow-private');
  checkAddress(url.hostname.replace(/^\[|\]$/g, ''));
}

/** The URL parser has already turned forms such as `0x7f.1` into `127.0.0.1`. */
function checkAddress(host: string): void {
  if (isIP(host) === 0) return;
  const range = privateRange(host);
  if (range !== undefined)
    throw invalid(`${host} is not public (${range}): use a public address, or allow it with --allow-private`);
}

function invalid(message: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', message, { field: 'to' });
}
