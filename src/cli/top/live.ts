import { once } from 'node:events';
import { frame } from './frame.js';
import type { Observer } from './Observer.js';
import { Screen } from './Screen.js';

/** q, and what Ctrl-C and Ctrl-D send where a terminal makes no signal of them. */
const LEAVING = new Set(['q', 'Q', '\x03', '\x04']);

/**
 * Shows what is observed on the whole terminal until a key leaves, which aborts `over`, or something else aborts it. `start`
 * begins to observe, and calls what it is given after each interval; the terminal is taken only once there is something to show.
 */
export async function showLive(
  observer: Observer,
  over: AbortController,
  start: (draw: () => void) => Promise<void>,
): Promise<void> {
  let screen: Screen | undefined;
  const draw = () => screen?.draw(frame(observer.snapshot(), screen.size, true));
  await start(draw);
  if (over.signal.aborted) return;
  const onKey = (key: string) => {
    if (LEAVING.has(key)) over.abort();
  };
  screen = new Screen([process.stdout, process.stdin], { onKey, onResize: draw });
  try {
    draw();
    await once(over.signal, 'abort');
  } finally {
    screen.close();
  }
}
