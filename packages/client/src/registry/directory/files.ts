import { join } from 'node:path';
import { ImstateError, messageOf } from '../../shared/errors.js';

/** A file that was not renewed for this long is stale: its daemon is gone. */
export const STALE_MS = 10_000;

/** Files of entries. */
export const ENTRY_SUFFIX = '.json';
/** Files of what daemons say of their stores; imstate of older versions ignores them. */
export const STORE_SUFFIX = '.store';

export function entryFile(folder: string, addr: string): string {
  return join(folder, `${encodeURIComponent(addr)}${ENTRY_SUFFIX}`);
}

export function storeFile(folder: string, addr: string): string {
  return join(folder, `${encodeURIComponent(addr)}${STORE_SUFFIX}`);
}

/** The address that a store file is named after; undefined if its name is none of ours. */
export function addrOf(storeFileName: string): string | undefined {
  try {
    return decodeURIComponent(storeFileName.slice(0, -STORE_SUFFIX.length));
  } catch {
    return undefined;
  }
}

/** The error of a directory that cannot be used as registry. */
export function directoryUnavailable(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  const message = `the embedded registry cannot be used (${messageOf(error)}): mend that, or choose another --data-dir`;
  return new ImstateError('REGISTRY_UNAVAILABLE', message, { cause: error });
}
