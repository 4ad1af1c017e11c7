import { writeSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { isRewritable } from '../output/terminal.js';
import type { Size } from './frame.js';

/** True if stdout is a terminal with a cursor. */
export function isScreen(): boolean {
  return isRewritable(process.stdout);
}

/** Uses the alternate buffer without a cursor; lines that are too long do not wrap. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Terminals that know these sequences show everything between them at once. */
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l'];
const CLEAR = '\x1b[2J';
/** Before the line: after a line that fills its row, it would erase the last character. */
const CLEAR_LINE = '\x1b[K';
const STDOUT = 1;

/** The size of a pipe, or of a terminal that does not report one. */
const USUAL: Size = { columns: 80, rows: 24 };

/** The whole terminal. It is restored when the view ends, however the process ends. */
export class Screen {
  readonly #output: WriteStream;
  readonly #input: ReadStream;
  readonly #onKey: (key: string) => void;
  readonly #onResize: () => void;
  #drawn: string[] = [];
  #drawnFor = '';
  #isOpen = true;

  /** `onKey` is called for each key; `onResize` when the size changes. */
  constructor(
    [output, input]: [WriteStream, ReadStream],
    { onKey, onResize }: { onKey(key: string): void; onResize(): void },
  ) {
    this.#output = output;
    this.#input = input;
    this.#onKey = onKey;
    this.#onResize = onResize;
    output.on('resize', onResize);
    // Every end of the process passes one of these, before Node.js reports it.
    process.once('exit', this.#restore);
    process.once('uncaughtExceptionMonitor', this.#restore);
    output.write(ENTER);
    if (!input.isTTY) return;
    input.setRawMode(true);
    input.setEncoding('utf8').on('data', this.#onData);
  }

  get size(): Size {
    return sizeOf(this.#output);
  }

  /** Replaces the lines shown. Only lines that differ are written, in one write. */
  draw(lines: string[]): void {
    // A terminal that has not read the last lines (stopped by Ctrl-S, or slow) gets the next ones.
    if (!this.#isOpen || this.#output.writableNeedDrain) return;
    const { columns, rows } = this.size;
    const size = `${columns}x${rows}`;
    const isNew = size !== this.#drawnFor;
    const before = isNew ? [] : this.#drawn;
    const changed = Array.from({ length: Math.max(lines.length, before.length) }, (_, i) =>
      lines[i] === before[i] ? '' : `\x1b[${i + 1};1H${CLEAR_LINE}${lines[i] ?? ''}`,
    ).join('');
    [this.#drawn, this.#drawnFor] = [lines, size];
    if (isNew || changed !== '') this.#output.write(`${BEGIN}${isNew ? CLEAR : ''}${changed}${END}`);
  }

  /** Restores the terminal. Can be called twice. */
  close(): void {
    this.#restore();
    process.off('exit', this.#restore);
    process.off('uncaughtExceptionMonitor', this.#restore);
    this.#output.off('resize', this.#onResize);
    this.#input.off('data', this.#onData);
    this.#input.pause();
  }

  readonly #onData = (keys: string) => {
    for (const key of keys) this.#onKey(key);
  };

  readonly #restore = () => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      if (this.#input.isTTY) this.#input.setRawMode(false);
      writeSync(STDOUT, LEAVE);
    } catch {
      // The terminal is gone.
    }
  };
}

/** The size of this stream. */
export function sizeOf({ columns, rows }: { columns?: number; rows?: number }): Size {
  return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
}
