import type { Readable } from 'node:stream';

/** A line of a file; `fault` says why it is unreadable. */
export interface Line {
  /** Starts at 1. */
  number: number;
  text: string;
  fault?: string;
}

const NEWLINE = 0x0a;
/** More than any request that a daemon accepts. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * The lines of a UTF-8 stream. Not node:readline: that also ends a line at U+2028, which JSON can contain,
 * and hides invalid UTF-8. After `stop` aborts, no line follows.
 */
export async function* linesOf(input: Readable, stop: AbortSignal): AsyncGenerator<Line> {
  const leave = () => input.destroy();
  stop.addEventListener('abort', leave, { once: true });
  let number = 0;
  let begun = new LineBuffer();
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        begun.add(chunk.subarray(start, end));
        number += 1;
        yield begun.toLine(number);
        begun = new LineBuffer();
        start = end + 1;
      }
      begun.add(chunk.subarray(start));
    }
    if (!begun.isEmpty) yield begun.toLine(number + 1);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', leave);
  }
}

/** The bytes of a line; a line that is too long is not kept. */
class LineBuffer {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > MAX_LINE_BYTES) this.#parts.length = 0;
    else this.#parts.push(part);
  }

  toLine(number: number): Line {
    if (this.#bytes > MAX_LINE_BYTES) {
      return { number, text: '', fault: `a line must be at most ${MAX_LINE_BYTES} bytes long` };
    }
    try {
      return { number, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(this.#parts)) };
    } catch {
      return { number, text: '', fault: 'a line must be UTF-8' };
    }
  }
}
