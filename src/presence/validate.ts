import { isHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { LoginDetails } from 'imstate-client/internal/shared/session';
import ipaddr from 'ipaddr.js';
import { NO_DETAILS } from './details.js';
import { LIMITS } from './limits.js';

/** What fits into a record, see src/presence/record.ts. */
const MAX_INCARNATION = 2 ** 48 - 1;
const CONTROL_CHARACTER = /\p{Cc}/u;

/** Checks a user, device or session id. */
export function checkId(field: string, value: string): void {
  checkText(field, value, LIMITS.id.max);
}

/** Checks an id that may be left out. */
export function checkOptionalId(field: string, value: string): void {
  if (value !== '') checkText(field, value, LIMITS.id.max);
}

/** Checks a chat server's name as the legacy service accepts it: any text. */
export function checkServerName(field: string, value: string): void {
  checkText(field, value, LIMITS.address.max);
}

/** Checks a chat server's address. */
export function checkServerAddr(field: string, value: string): void {
  checkText(field, value, LIMITS.address.max);
  if (!isHostPort(value)) throw broken(field, 'must be HOST:PORT, such as 10.0.0.1:9000');
}

/** Checks a platform, which may be left out. */
export function checkPlatform(field: string, value: string): void {
  if (value !== '') checkText(field, value, LIMITS.platform.max);
}

/** Checks the details of a login, which may be left out, and returns them. The address becomes canonical. */
export function checkDetails({ clientIp, label, appVersion }: LoginDetails): LoginDetails {
  if (clientIp === '' && label === '' && appVersion === '') return NO_DETAILS;
  const canonicalIp = clientIp && checkClientIp('client_ip', clientIp);
  if (label !== '') checkCharacters('label', label, LIMITS.label.max);
  if (appVersion !== '') checkText('app_version', appVersion, LIMITS.appVersion.max);
  return { clientIp: canonicalIp, label, appVersion };
}

function checkClientIp(field: string, value: string): string {
  // A zone (fe80::1%eth0) means something on one machine only.
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(value) || ipaddr.IPv6.isValid(value);
  if (isAddress && !value.includes('%')) return ipaddr.process(value).toString();
  throw broken(field, 'must be an IPv4 or IPv6 address without port and zone, such as 203.0.113.7');
}

function checkCharacters(field: string, value: string, max: number): void {
  const { length } = [...value];
  if (length > max) throw broken(field, `must be at most ${max} characters; this one has ${length}`);
  checkText(field, value, 4 * max);
}

/** Checks the reason text of an eviction, which may be left out. */
export function checkReasonText(field: string, value: string): void {
  if (value !== '') checkText(field, value, LIMITS.reasonText.max);
}

/** Checks the metadata of a login: keys and values together. */
export function checkMetadata(field: string, metadata: Record<string, string>): void {
  let bytes = 0;
  const entries = Object.entries(metadata);
  if (entries.length > LIMITS.metadataEntries.max) {
    throw broken(
      field,
      `must have at most ${LIMITS.metadataEntries.max} entries; this one has ${entries.length}`,
    );
  }
  for (const [key, value] of entries) {
    if (key === '') throw broken(field, 'must have no empty key');
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > LIMITS.metadata.max) {
    throw broken(
      field,
      `must be at most ${LIMITS.metadata.max} bytes of UTF-8, keys and values together; this one has ${bytes}`,
    );
  }
}

/** Checks a time span, in milliseconds, and returns it; `absent` is for one that was left out. */
export function checkDuration(
  field: string,
  ms: number | undefined,
  { min, max, absent }: { min: number; max: number; absent: number },
): number {
  if (ms === undefined) return absent;
  if (ms >= min && ms <= max) return ms;
  throw broken(field, `must be from ${min / 1_000} s to ${max / 1_000} s; this one is ${ms / 1_000} s`);
}

/** Checks an incarnation of a chat server. */
export function checkIncarnation(field: string, value: number, min: 0 | 1): void {
  if (value >= min && value <= MAX_INCARNATION) return;
  throw broken(
    field,
    `must be from ${min} to 2^48 - 1, and greater in every run, such as the start time in milliseconds`,
  );
}

/** Checks a page size, and returns it; 0 means `absent`. */
export function checkPageSize(field: string, value: number, absent: number): number {
  if (value >= 0 && value <= LIMITS.page.max) return value || absent;
  throw broken(field, `must be from 1 to ${LIMITS.page.max}, or 0 for ${absent}`);
}

function checkText(field: string, value: string, maxBytes: number): void {
  if (value === '') throw broken(field, 'must not be empty');
  const bytes = value.length * 3 <= maxBytes ? 0 : Buffer.byteLength(value);
  if (bytes > maxBytes)
    throw broken(field, `must be at most ${maxBytes} bytes of UTF-8; this one has ${bytes}`);
  const control = CONTROL_CHARACTER.exec(value);
  if (control !== null) {
    const name = `U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    throw broken(field, `must not contain control characters; this one has ${name}`);
  }
}

/** The error for a field that breaks a rule. */
export function broken(field: string, rule: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', `${field} ${rule}`, { field });
}
