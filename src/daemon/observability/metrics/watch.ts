import type { WatchHub } from '../../watch/hub.js';
import { type Family, one, samplesOf } from './family.js';

/** Watches, and the outcomes of the changes that they queue. */
export function watchFamilies(hub: WatchHub): Family[] {
  const { counts } = hub;
  const lag = 'imstate_watch_lag_seconds';
  return [
    one('gauge', 'imstate_watchers', 'Open watches.', () => hub.watchers),
    one(
      'gauge',
      'imstate_watch_weight',
      'Weight of the open watches, limited by --max-watches.',
      () => hub.admitted.weight,
    ),
    {
      name: lag,
      type: 'histogram',
      help: 'From a change until its delivery to watches, by the clocks of the store and of this machine.',
      read: () => samplesOf(lag, counts.lag),
    },
    {
      name: 'imstate_watch_events_total',
      type: 'counter',
      help: 'Changes for watches, once per watch: sent, coalesced on request, or left when the watch ended.',
      *read() {
        for (const outcome of ['sent', 'coalesced', 'left'] as const)
          yield { labels: { outcome }, value: counts[outcome] };
      },
    },
    one(
      'gauge',
      'imstate_watch_events_waiting',
      'Changes that wait until their caller reads them.',
      () => hub.waiting,
    ),
    one(
      'counter',
      'imstate_watch_events_dropped_total',
      'Changes that were queued, but are neither waiting nor in imstate_watch_events_total. Always 0.',
      () => counts.queued - counts.sent - counts.coalesced - counts.left - hub.waiting,
    ),
    one(
      'gauge',
      'imstate_watch_backlog_bytes',
      'Memory of what waits until callers of watches read it.',
      () => hub.backlogBytes,
    ),
    one(
      'counter',
      'imstate_watches_closed_backlog_total',
      'Watches that were closed because the backlog of all watches was over --max-watch-backlog.',
      () => hub.closedOverBudget,
    ),
    one(
      'counter',
      'imstate_watches_closed_slow_total',
      'Watches that were closed because their caller reads too slowly.',
      () => hub.closedSlow,
    ),
  ];
}
