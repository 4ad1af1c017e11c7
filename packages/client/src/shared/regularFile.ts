import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';

/** More than any file of settings, keys or tokens has. Bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a regular file as it is now. Anything else in its place (a FIFO, a device, a folder) is an error, and never waited for; so is
 * more than 16 MiB, and what `check` finds wrong with the file that was opened. Symbolic links are followed unless `noFollow` is set.
 */
export function readRegularFile(
  path: string,
  { noFollow = false, check }: { noFollow?: boolean; check?: (stats: Stats) => void } = {},
): Buffer {
  // Windows has neither flag. Without O_NONBLOCK the opening of a FIFO waits for its writer.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const file = openSync(path, O_RDONLY | O_NONBLOCK | (noFollow ? O_NOFOLLOW : 0));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error(`it is ${kindOf(stats)}, not a regular file`);
    if (stats.size > MAX_BYTES) throw new Error('it is larger than 16 MiB');
    check?.(stats);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** The text of a regular file, see {@link readRegularFile}; without the byte order mark that editors of Windows put before it. */
export function readRegularText(path: string, options?: Parameters<typeof readRegularFile>[1]): string {
  return new TextDecoder().decode(readRegularFile(path, options));
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}
