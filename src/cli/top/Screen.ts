import { writeSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { isRewritable } from '../output/terminal.js';
import type { Size } from './frame.js';

/** True where stdout can be drawn on. */
export function isScreen(): boolean {
  return isRewritable(process.stdout);
}

/** Another buffer than the shell's; no cursor; a line that is too long for a moment does not wrap. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
/** What lies between is shown at once, where the terminal knows this. */
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l'];
const CLEAR = '\x1b[2J';
/** Before the line is written: behind one that fills its row it would take the last letter. */
const CLEAR_LINE = '\x1b[K';
const STDOUT = 1;

/** What a pipe or a terminal that says nothing of its size is taken for. */
const USUAL: Size = { columns: 80, rows: 24 };

/** The whole terminal, until it is left; it is as before then, also when the process ends in another way. */
export class Screen {
  readonly #output: WriteStream;
  readonly #input: ReadStream;
  readonly #onKey: (key: string) => void;
  readonly #onResize: () => void;
  #drawn: string[] = [];
  #drawnFor = '';
  #isOpen = true;

  /** `onKey` is told of each key; `onResize` is called when there is another size to draw for. */
  constructor(
    [output, input]: [WriteStream, ReadStream],
    { onKey, onResize }: { onKey(key: string): void; onResize(): void },
  ) {
    this.#output = output;
    this.#input = input;
    this.#onKey = onKey;
    this.#onResize = onResize;
    output.on('resize', onResize);
    // Whatever ends the process comes through one of these, before Node.js says why.
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

  /** Shows these lines instead of those before: only what is different is written, at once. */
  draw(lines: string[]): void {
    // A terminal that has not shown the last ones yet (stopped by Ctrl-S, or slow) gets the next.
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

  /** Gives the terminal back. May be called twice. */
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
      // The terminal has gone.
    }
  };
}

/** How much room there is on this stream. */
export function sizeOf({ columns, rows }: { columns?: number; rows?: number }): Size {
  return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
}
