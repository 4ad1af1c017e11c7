import { once } from 'node:events';
import type { Simulation } from '../simulation/simulation.js';
import { showProgress } from './simulationView.js';

/** What there is to look at. */
export interface DemoScene {
  simulation: Simulation;
  /** The daemon, host:port. */
  addr: string;
}

/** Shows the demo until `over` is aborted; aborts it itself when whoever looks on has seen enough. */
export async function showDemo({ simulation }: DemoScene, { signal }: AbortController): Promise<void> {
  const hide = showProgress(simulation);
  if (!signal.aborted) await once(signal, 'abort');
  hide();
}
