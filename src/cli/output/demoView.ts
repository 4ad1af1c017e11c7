import { once } from 'node:events';
import type { Simulation } from '../../simulation/simulation.js';
import { wantsJson } from '../flags/outputFlags.js';
import { isScreen } from '../top/Screen.js';
import { showProgress } from './simulationView.js';

/** What the view shows. */
export interface DemoScene {
  simulation: Simulation;
  /** Address of the daemon, HOST:PORT. */
  addr: string;
}

/**
 * Shows the demo, as `top` if there is a screen, until `over` aborts. Aborts `over` when the user leaves the
 * view.
 */
export async function showDemo({ simulation, addr }: DemoScene, over: AbortController): Promise<void> {
  if (isScreen() && !wantsJson(process.argv)) {
    await showTop(addr, over);
    return;
  }
  const hide = showProgress(simulation);
  if (!over.signal.aborted) await once(over.signal, 'abort');
  hide();
}

async function showTop(addr: string, over: AbortController): Promise<void> {
  const { connect } = await import('imstate-client');
  const { Observer } = await import('../top/Observer.js');
  const { showLive } = await import('../top/live.js');
  const options = { endpoints: [addr] };
  const client = await connect(options);
  try {
    const observer = new Observer(client, 1_000, over.signal);
    await showLive(observer, over, (draw) => observer.start(options, draw));
  } finally {
    await client.close();
  }
}
