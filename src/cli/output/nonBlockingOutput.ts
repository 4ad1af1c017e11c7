import { constants, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { fstat } from 'imstate-client/internal/shared/fstat';
import { LIMITS } from '../../presence/limits.js';

const { O_WRONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;
/** How soon to retry unread text. */
const POLL_INTERVAL_MS = 20;
/** How long the exit waits for a reader: in total, and while it reads nothing. Milliseconds. */
const EXIT_MS = { max: 2_000, idle: 500 };

type Outcome = 'written' | 'blocked' | 'failed';

/**
 * Writes lines to stdout or stderr without waiting for a reader: a terminal after Ctrl-S, a full pipe or
 * socket. Unread lines wait in a buffer of {@link LIMITS}.logBuffer; lines beyond it are dropped and counted.
 * If there is a reader, each line is written at once, so a crash loses none. Files are written as usual.
 */
export class NonBlockingOutput {
  readonly #fd: number;
  readonly #onRecovery: (dropped: number) => void;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** The rest of the text being written, and the number of its lines. */
  #batch = Buffer.alloc(0);
  #batchLines = 0;
  #dropped = 0;
  #reported = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `onRecovery` is called with the number of dropped lines once lines are read again. */
  constructor(stream: { fd: number }, onRecovery: (dropped: number) => void = () => {}) {
    this.#fd = nonBlocking(stream.fd);
    this.#onRecovery = onRecovery;
    process.on('exit', () => this.#finish());
  }

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes one line, which must end with a newline. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#waitingBytes + this.#batch.length + bytes > LIMITS.logBuffer.max) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    if (this.#timer === undefined) this.#flush();
  }

  /** Writes the buffer, until the reader stops reading. */
  #flush(): void {
    let outcome: Outcome = 'failed';
    while (this.#hasMore()) {
      outcome = this.#writeBatch();
      if (outcome === 'blocked') {
        this.#retryLater();
        return;
      }
    }
    if (outcome === 'written') this.#report();
  }

  #retryLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, POLL_INTERVAL_MS).unref();
  }

  #hasMore(): boolean {
    if (this.#batch.length > 0) return true;
    if (this.#waiting.length === 0) return false;
    this.#batch = Buffer.from(this.#waiting.join(''));
    this.#batchLines = this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return true;
  }

  /**
   * Writes as much as possible now. A batch that cannot be written (a full disk, a closed pipe) is dropped.
   */
  #writeBatch(): Outcome {
    try {
      this.#batch = this.#batch.subarray(writeSync(this.#fd, this.#batch));
      return 'written';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 'blocked';
      this.#dropped += this.#batchLines;
      this.#batch = Buffer.alloc(0);
      return 'failed';
    }
  }

  #report(): void {
    const dropped = this.#dropped - this.#reported;
    if (dropped === 0) return;
    this.#reported = this.#dropped;
    this.#onRecovery(dropped);
  }

  /** At exit, when nothing else runs: waits for a reader of the last lines. */
  #finish(): void {
    const idle = new Int32Array(new SharedArrayBuffer(4));
    const end = performance.now() + EXIT_MS.max;
    let idleSince = performance.now();
    while (this.#hasMore() && performance.now() < Math.min(end, idleSince + EXIT_MS.idle)) {
      if (this.#writeBatch() === 'written') idleSince = performance.now();
      else Atomics.wait(idle, 0, 0, POLL_INTERVAL_MS);
    }
  }
}

/**
 * Opens the same pipe or terminal again for writes that never block: the flag belongs to the open file, which
 * other processes share. If that fails (a socket, a pipe of another user), Node.js has set the flag itself.
 */
function nonBlocking(fd: number): number {
  const self = `/proc/self/fd/${fd}`;
  const paths = isatty(fd) ? [self, '/dev/tty'] : fstat(fd).isFIFO() ? [self] : [];
  for (const path of paths) {
    try {
      return openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    } catch {
      // Another user's terminal, or a system without /proc.
    }
  }
  return fd;
}
