import { OUTAGE_MS } from '../../presence/rules.js';
import type { SweepNote } from './tables.js';
import type { WriteTransaction } from './WriteTransaction.js';

const SWEEP_NOTE = 'sweep';

/**
 * A store that stops before its first sweep must know afterwards for how long nobody swept it: the time
 * counts from the first lease.
 */
export function noteFirstLease({ tables: { root }, now }: WriteTransaction): void {
  if (!root.doesExist(SWEEP_NOTE)) root.put(SWEEP_NOTE, { swept: now } satisfies SweepNote);
}

/** Records a sweep. Returns when a time ended in which nobody could keep a lease alive, if there was one. */
export function noteSweep({ tables: { root, leases }, now }: WriteTransaction): number | undefined {
  const note = root.get(SWEEP_NOTE) as SweepNote | undefined;
  const hasLeases = [...leases.getKeys({ limit: 1 })].length > 0;
  if (!hasLeases) {
    if (note) root.remove(SWEEP_NOTE);
    return undefined;
  }
  const isOverdue = note !== undefined && now - note.swept > OUTAGE_MS;
  // An outage in the future: the clock was set back.
  const outage = isOverdue ? now : note?.outage && note.outage <= now ? note.outage : undefined;
  root.put(SWEEP_NOTE, { swept: now, outage } satisfies SweepNote);
  return outage;
}
