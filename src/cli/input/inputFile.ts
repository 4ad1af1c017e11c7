import { closeSync, constants, createReadStream, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { fstat } from 'imstate-client/internal/shared/fstat';

/**
 * Opens a file for reading; "-" is stdin. Throws if that fails. FIFOs and terminals are polled: Node.js reads
 * other files in a thread, which signals do not wake and for which the process would have to wait.
 */
export function openInput(path: string): Readable {
  if (path === '-') return process.stdin;
  // Windows has no such flag. Elsewhere opening a FIFO would wait for its writer.
  const { O_RDONLY, O_NONBLOCK = 0 } = constants;
  const fd = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    if (isatty(fd)) return new ReadStream(fd);
    if (fstat(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return createReadStream(path, { fd });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
