import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';

/**
 * Opens a file for reading; "-" is standard input. Throws if it cannot be opened. A FIFO and a terminal are polled: Node.js reads other
 * files in a thread, which no signal wakes and without which the process cannot exit.
 */
export function openInput(path: string): Readable {
  if (path === '-') return process.stdin;
  // Windows has no such flag. Without it the opening of a FIFO waits for its writer.
  const { O_RDONLY, O_NONBLOCK = 0 } = constants;
  const fd = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    if (isatty(fd)) return new ReadStream(fd);
    if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return createReadStream(path, { fd });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
