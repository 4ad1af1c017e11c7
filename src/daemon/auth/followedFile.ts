import { stat } from 'node:fs/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { trusted } from 'imstate-client/internal/shared/ownership';
import { readRegularText } from 'imstate-client/internal/shared/regularFile';
import type { Logger } from 'pino';

const POLL_INTERVAL_MS = 500;

/** Which file to follow, and how to parse it. */
export interface FollowedFileOptions<T> {
  /** The flag that names the file, for messages. */
  flag: string;
  path: string;
  /** Throws an Error that names the rule that the text breaks, and no secret. */
  parse(text: string): T;
  /** Called with the content of the file, and of each changed file. */
  onChange(value: T): void;
  log: Logger;
}

/**
 * A file that is read again when it has changed. It is polled rather than watched: that also works with files
 * that are replaced, mounted, or on another machine. A change counts once the file is the same at two polls,
 * so that an incomplete file is not read. A file that cannot be used is logged and changes nothing.
 */
export class FollowedFile<T> {
  readonly #options: FollowedFileOptions<T>;
  readonly #timer: NodeJS.Timeout;
  /** The stamp of the file when it was last read, or found unusable. */
  #read: string;
  #seen: string;
  #isPolling = false;
  #isStale = false;

  private constructor(options: FollowedFileOptions<T>, stamp: string) {
    this.#options = options;
    this.#read = stamp;
    this.#seen = stamp;
    this.#timer = setInterval(() => void this.#poll(), POLL_INTERVAL_MS).unref();
  }

  /**
   * Reads the file, calls `onChange`, and follows the file until close(). Rejects with AUTH_FILE_UNUSABLE.
   */
  static async open<T>(options: FollowedFileOptions<T>): Promise<FollowedFile<T>> {
    const { flag, path } = options;
    try {
      // Before the read: the next poll finds a change in between.
      const stamp = await stampOf(path);
      options.onChange(options.parse(readRegularText(path, trusted(path))));
      return new FollowedFile(options, stamp);
    } catch (error) {
      const message = `${flag} ${path} cannot be used (${messageOf(error)}): correct it, or name another file`;
      throw new ImstateError('AUTH_FILE_UNUSABLE', message, { cause: error, field: flag });
    }
  }

  /** True if the file cannot be used as it is now: its previous content stays in force. */
  get isStale(): boolean {
    return this.#isStale;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const { flag, path, parse, onChange, log } = this.#options;
    const stamp = await stampOf(path).catch(messageOf);
    if (stamp !== this.#read && stamp === this.#seen) {
      this.#read = stamp;
      try {
        onChange(parse(readRegularText(path, trusted(path))));
        this.#isStale = false;
        log.info({ flag, path }, 'file of credentials reloaded');
      } catch (error) {
        this.#isStale = true;
        log.error(
          { flag, path, reason: messageOf(error) },
          'file of credentials cannot be used: its previous content stays in force',
        );
      }
    }
    this.#seen = stamp;
    this.#isPolling = false;
  }
}

async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(path);
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}
