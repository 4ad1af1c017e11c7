import { once } from 'node:events';
import { frame } from './frame.js';
import type { Observer } from './Observer.js';
import { Screen } from './Screen.js';

/** q, and the characters of Ctrl-C and Ctrl-D on terminals that send no signal for them. */
const LEAVING = new Set(['q', 'Q', '\x03', '\x04']);

/**
 * Shows the observer on the whole terminal until a key aborts `over`, or something else does. `start` starts
 * observing, and calls its argument after each interval. The screen changes only once there is something to
 * show.
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
