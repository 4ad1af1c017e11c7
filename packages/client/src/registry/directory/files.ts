import { join } from 'node:path';
import { ImstateError, messageOf } from '../../shared/errors.js';

/** A file that was not refreshed for this long is stale: its daemon is gone. */
export const STALE_MS = 10_000;

/** Suffix of the files of entries. */
export const ENTRY_SUFFIX = '.json';
/** Suffix of the files with the identities of stores. Older versions of imstate ignore them. */
export const STORE_SUFFIX = '.store';

export function entryFile(directory: string, addr: string): string {
  return join(directory, `${encodeURIComponent(addr)}${ENTRY_SUFFIX}`);
}

export function storeFile(directory: string, addr: string): string {
  return join(directory, `${encodeURIComponent(addr)}${STORE_SUFFIX}`);
}

/** The address in the name of a store file; undefined for the name of any other file. */
export function addrOf(storeFileName: string): string | undefined {
  try {
    return decodeURIComponent(storeFileName.slice(0, -STORE_SUFFIX.length));
  } catch {
    return undefined;
  }
}

/** The error of a directory that cannot be used as a registry. */
export function directoryUnavailable(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  const message = `the embedded registry cannot be used (${messageOf(error)}): fix that, or choose another --data-dir`;
  return new ImstateError('REGISTRY_UNAVAILABLE', message, { cause: error, field: '--data-dir' });
}
