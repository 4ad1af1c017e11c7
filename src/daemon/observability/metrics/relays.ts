import { isClaimed } from '../../../presence/relays.js';
import { cached } from '../../../store/cached.js';
import type { RelayStatus, Relays } from '../../relays.js';
import type { Family } from './family.js';

/** How long the numbers are cached: reading them asks every shard. Milliseconds. */
const CACHE_MS = 1_000;

/** The relays of the whole store, as their processes committed it: the same on all daemons. */
export function relayFamilies(relays: Pick<Relays, 'list'>): Family[] {
  const list = cached(() => relays.list(), CACHE_MS);
  const family = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (status: RelayStatus) => number | undefined,
  ): Family => ({
    name,
    type,
    help,
    read: async () =>
      (await list()).flatMap((status) => {
        const number = value(status);
        return number === undefined ? [] : [{ labels: { relay: status.relay.name }, value: number }];
      }),
  });
  return [
    family(
      'gauge',
      'imstate_relay_running',
      '1 while a process delivers for the relay or waits while it is paused, otherwise 0.',
      ({ relay, nowMs }) => Number(isClaimed(relay, nowMs)),
    ),
    family(
      'counter',
      'imstate_relay_delivered_total',
      'Events that the target of the relay has acknowledged.',
      ({ relay }) => relay.delivered,
    ),
    family(
      'counter',
      'imstate_relay_failures_total',
      'Attempts to deliver that have failed.',
      ({ relay }) => relay.failed,
    ),
    family(
      'counter',
      'imstate_relay_snapshots_total',
      'How often snapshots took the place of changes that were gone.',
      ({ relay }) => relay.snapshots,
    ),
    family(
      'gauge',
      'imstate_relay_lag_changes',
      'Changes that are not delivered yet, of which at most 1,000 of each shard are counted.',
      ({ lag }) => lag?.changes,
    ),
    family(
      'gauge',
      'imstate_relay_lag_seconds',
      'How long ago the oldest change happened that is not delivered; 0 if there is none.',
      ({ lag }) => lag && lag.ms / 1_000,
    ),
  ];
}
