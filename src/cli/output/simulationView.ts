import type { Simulation } from '../../simulation/simulation.js';
import { count } from './count.js';
import { LiveLine } from './liveLine.js';
import { milliseconds } from './simulationReport.js';

const REPAINT_MS = 500;
const BAR = 8;

/** Shows the progress of a simulation on a terminal, until the returned function is called. */
export function showProgress(simulation: Simulation, line = new LiveLine()): () => void {
  if (!line.isShown) return () => {};
  let paintedAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    line.paint(describe(simulation, now - paintedAt));
    paintedAt = now;
  }, REPAINT_MS);
  return () => {
    clearInterval(timer);
    line.end();
  };
}

function describe(simulation: Simulation, sinceMs: number): string {
  const { plan, elapsedMs, online, serversUp, results } = simulation;
  if (elapsedMs === 0) return `starting ${count(plan.servers, 'chat server')}`;
  if (simulation.isPlayed) return 'logging everyone out';
  const { calls, p50Ms, p99Ms } = results.takeRecent();
  const times =
    p50Ms === undefined ? [] : [`p50 ${milliseconds(p50Ms)}`, `p99 ${milliseconds(p99Ms as number)}`];
  return [
    ...(plan.durationMs === Infinity ? [] : [bar(elapsedMs / plan.durationMs)]),
    `${Math.floor(elapsedMs / 1_000)} s`,
    `${online.toLocaleString('en')} online`,
    `${Math.round((calls / sinceMs) * 1_000).toLocaleString('en')} calls/s`,
    count(results.failures, 'error'),
    ...times,
    ...(serversUp < plan.servers ? [`${count(plan.servers - serversUp, 'server')} down`] : []),
  ].join('  ');
}

function bar(share: number): string {
  const full = Math.min(BAR, Math.round(share * BAR));
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
}
