import { printable } from './printable.js';
import { isRewritable } from './terminal.js';

/** A line on stderr that is rewritten in place, on a terminal only. */
export class LiveLine {
  readonly isShown: boolean;
  #isPainted = false;

  constructor(isShown = true) {
    this.isShown = isShown && isRewritable(process.stderr);
  }

  /** Cut to the width of the terminal: only one line can be rewritten. */
  paint(text: string): void {
    if (!this.isShown) return;
    process.stderr.write(`\r\x1b[K${printable(text).slice(0, (process.stderr.columns || 80) - 1)}`);
    this.#isPainted = text !== '';
  }

  /** Clears the line for other output. Can be called twice. */
  end(): void {
    if (this.#isPainted) this.paint('');
  }
}
