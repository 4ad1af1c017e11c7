import { closeSync, constants, openSync, readFileSync, type Stats } from 'node:fs';
import { fstat } from './fstat.js';

/** Larger than any file of settings, keys or tokens. Bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a regular file. Throws at once for anything else (a FIFO, a device, a directory), for more than 16
 * MiB, and if `check` throws for the opened file. Follows symbolic links unless `noFollow` is set.
 */
export function readRegularFile(
  path: string,
  { noFollow = false, check }: { noFollow?: boolean; check?: (stats: Stats) => void } = {},
): Buffer {
  // Windows has neither flag. Without O_NONBLOCK, opening a FIFO waits for its writer.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const file = openSync(path, O_RDONLY | O_NONBLOCK | (noFollow ? O_NOFOLLOW : 0));
  try {
    const stats = fstat(file);
    if (!stats.isFile()) throw new Error(`it is ${kindOf(stats)}, not a regular file`);
    if (stats.size > MAX_BYTES) throw new Error('it is larger than 16 MiB');
    check?.(stats);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** The text of a regular file, see {@link readRegularFile}, without a byte order mark. */
export function readRegularText(path: string, options?: Parameters<typeof readRegularFile>[1]): string {
  return new TextDecoder().decode(readRegularFile(path, options));
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}
