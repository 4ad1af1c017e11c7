import type { Readiness } from '../../readiness.js';
import type { Sweeper } from '../../sweeper.js';
import { Histogram } from '../histogram.js';
import { type Family, one, samplesOf } from './family.js';

/** Calls of the store for operations of callers, by outcome. */
export class StoreSteps {
  readonly ok = new Histogram();
  readonly failed = new Histogram();

  /** See BatchListener. */
  readonly note = (ms: number, hasFailed: boolean): void => (hasFailed ? this.failed : this.ok).note(ms);
}

/** The store, as this daemon uses it. */
export function storeFamilies(steps: StoreSteps, sweeper: Sweeper, readiness: Readiness): Family[] {
  const name = 'imstate_store_step_seconds';
  return [
    one('gauge', 'imstate_store_up', '1 while enough shards of the store answer, otherwise 0.', () =>
      readiness.hasStore ? 1 : 0,
    ),
    one(
      'gauge',
      'imstate_store_shards_unavailable',
      'Shards of the store that do not answer. Calls for their users fail.',
      () => readiness.shardsUnavailable,
    ),
    {
      name,
      type: 'histogram',
      help: 'Round trips to the store for operations of callers: a script call or a transaction each, for many operations.',
      *read() {
        yield* samplesOf(name, steps.ok, { outcome: 'ok' });
        yield* samplesOf(name, steps.failed, { outcome: 'failed' });
      },
    },
    one(
      'gauge',
      'imstate_sweep_lag_seconds',
      'Time since the start of the last complete sweep. At most about half a second while all is well.',
      () => sweeper.lagMs / 1_000,
    ),
  ];
}
