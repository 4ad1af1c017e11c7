import { once } from 'node:events';
import { listenForStop } from './signals.js';

/**
 * Prints what a command that runs until it is told to stop has to say, a line at a time, no faster than it is read. Ctrl-C
 * ends it, and so does a reader that has gone (`| head`): `close` then ends the events. Returns false if the reader has gone.
 */
export async function printStream<Event>(
  events: AsyncIterable<Event>,
  toLines: (event: Event) => string[],
  close: () => void,
): Promise<boolean> {
  const { stop, release } = listenForStop();
  let isRead = true;
  const onError = () => {
    isRead = false;
    close();
  };
  stop.addEventListener('abort', close, { once: true });
  process.stdout.on('error', onError);
  try {
    for await (const event of events) {
      for (const line of toLines(event)) {
        if (!process.stdout.write(`${line}\n`)) await drained(stop);
      }
    }
  } finally {
    process.stdout.off('error', onError);
    release();
  }
  return isRead;
}

/** Resolves when there is room again, when nobody reads any more, or at the stop. */
async function drained(signal: AbortSignal): Promise<void> {
  await once(process.stdout, 'drain', { signal }).catch(() => {});
}
