import { isHostPort } from '../address.js';
import { ImstateError } from '../errors.js';

const ID_BYTES = 256;
const ADDRESS_BYTES = 255;
const PLATFORM_BYTES = 32;

/** Checks a user, device or session id. */
export function checkId(field: string, value: string): void {
  checkText(field, value, ID_BYTES);
}

/** Checks an id that may be left out. */
export function checkOptionalId(field: string, value: string): void {
  if (value !== '') checkText(field, value, ID_BYTES);
}

/** Checks a chat server's name as the frozen service takes it: any text. */
export function checkServerName(field: string, value: string): void {
  checkText(field, value, ADDRESS_BYTES);
}

/** Checks a chat server's address. */
export function checkServerAddr(field: string, value: string): void {
  checkText(field, value, ADDRESS_BYTES);
  if (!isHostPort(value)) throw broken(field, 'must be HOST:PORT, such as 10.0.0.1:9000');
}

/** Checks a platform, which may be left out. */
export function checkPlatform(field: string, value: string): void {
  if (value !== '') checkText(field, value, PLATFORM_BYTES);
}

function checkText(field: string, value: string, mostBytes: number): void {
  if (value === '') throw broken(field, 'must not be empty');
  const bytes = value.length * 3 <= mostBytes ? 0 : Buffer.byteLength(value);
  if (bytes > mostBytes)
    throw broken(field, `must be at most ${mostBytes} bytes of UTF-8; this one has ${bytes}`);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
      const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
      throw broken(field, `must not contain control characters; this one has ${name}`);
    }
  }
}

function broken(field: string, rule: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', `${field} ${rule}`);
}
