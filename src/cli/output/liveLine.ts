import { printable } from './printable.js';
import { isRewritable } from './terminal.js';

/** A line on stderr that is written over and over again, where people look on. */
export class LiveLine {
  readonly isShown: boolean;
  #isPainted = false;

  constructor(isShown = true) {
    this.isShown = isShown && isRewritable(process.stderr);
  }

  /** What does not fit into the terminal is cut: it could not be written over. */
  paint(text: string): void {
    if (!this.isShown) return;
    process.stderr.write(`\r\x1b[K${printable(text).slice(0, (process.stderr.columns || 80) - 1)}`);
    this.#isPainted = text !== '';
  }

  /** Leaves the line empty, for something else to be written there. May be called twice. */
  end(): void {
    if (this.#isPainted) this.paint('');
  }
}
