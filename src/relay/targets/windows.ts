import type { RelayEvent } from '../target.js';

/**
 * Splits events into windows, to be acknowledged one after the other. If one event of a window fails, the target has
 * no later event of the same user: a window has at most one event of each user. An event without a user, such as the
 * beginning of snapshots, has a window of its own, after all earlier events and before all later ones.
 */
export function windowsOf(events: readonly RelayEvent[]): RelayEvent[][] {
  const windows: RelayEvent[][] = [];
  /** The first window that may have the next event of a user; by default the first after {@link afterBarrier}. */
  const nextOf = new Map<string, number>();
  let afterBarrier = 0;
  for (const event of events) {
    const { subject } = event;
    const index = subject === undefined ? windows.length : Math.max(nextOf.get(subject) ?? 0, afterBarrier);
    if (windows[index] === undefined) windows.push([]);
    windows[index]?.push(event);
    if (subject === undefined) afterBarrier = windows.length;
    else nextOf.set(subject, index + 1);
  }
  return windows;
}
