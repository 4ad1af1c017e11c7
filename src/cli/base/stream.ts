import { once } from 'node:events';
import { printableLines } from '../output/printable.js';
import { listenForStop } from './signals.js';

/**
 * Prints events until the command is stopped, a line at a time, no faster than they are read. Ctrl-C stops
 * it, and so does a reader that is gone (`| head`): `close` then ends the events. Resolves with false if the
 * reader is gone.
 */
export async function printStream<Event>(
  events: AsyncIterable<Event>,
  toLines: (event: Event) => string[],
  close: () => void,
): Promise<boolean> {
  const { stop, release } = listenForStop();
  const over = new AbortController();
  const end = () => {
    over.abort();
    close();
  };
  let isRead = true;
  const onError = () => {
    isRead = false;
    end();
  };
  stop.addEventListener('abort', end, { once: true });
  process.stdout.on('error', onError);
  try {
    for await (const event of events) {
      for (const line of toLines(event)) {
        if (over.signal.aborted) break;
        if (!process.stdout.write(`${printableLines(line, process.stdout.isTTY === true)}\n`))
          await drained(over.signal);
      }
    }
  } finally {
    process.stdout.off('error', onError);
    release();
  }
  return isRead;
}

/** Resolves when stdout has room again, or `signal` aborts. */
async function drained(signal: AbortSignal): Promise<void> {
  await once(process.stdout, 'drain', { signal }).catch(() => {});
}
