import { cached } from '../../../store/cached.js';
import type { PresenceStore } from '../../../store/store.js';
import type { Policies } from '../../policies.js';
import type { SessionCounters } from '../sessionCounters.js';
import { type Family, one } from './family.js';

/** How long the numbers are cached: reading them asks every shard. Milliseconds. */
const CACHE_MS = 1_000;

/** Who is online in the whole store, and what this daemon has changed. */
export function presenceFamilies(
  store: PresenceStore,
  counters: SessionCounters,
  policies: Pick<Policies, 'revision'>,
): Family[] {
  // Partial counts would look as if everybody else had gone offline.
  const stats = cached(async () => {
    const counts = await store.getStats();
    if (counts.isPartial) throw new Error('part of the store does not answer');
    return counts;
  }, CACHE_MS);
  const users = async () => (await stats()).users;
  const sessions = async () => (await stats()).devices;
  return [
    one('gauge', 'imstate_users_online', 'Users online in the whole store.', users),
    one('gauge', 'imstate_sessions_online', 'Sessions online in the whole store.', sessions),
    one(
      'counter',
      'imstate_logins_rejected_total',
      'Logins that were rejected because their user had --max-devices devices online.',
      () => counters.rejectedLogins,
    ),
    {
      name: 'imstate_policy_rejections_total',
      type: 'counter',
      help: 'Logins that a session policy rejected, by policy. Those of --max-devices are not included.',
      *read() {
        for (const [policy, value] of counters.policyRejections) yield { labels: { policy }, value };
      },
    },
    one(
      'gauge',
      'imstate_policy_revision',
      'Revision of the session policies that this daemon applies; the same on all daemons.',
      () => policies.revision,
    ),
    {
      name: 'imstate_transitions_total',
      type: 'counter',
      help: 'Logins that this daemon executed (LOGIN), and sessions that it ended, by reason.',
      *read() {
        yield { labels: { reason: 'LOGIN' }, value: counters.logins };
        for (const [reason, value] of Object.entries(counters.ended)) yield { labels: { reason }, value };
      },
    },
  ];
}
