import type { ServerDrain, ServerDrainResult } from '../../presence/servers.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** See PresenceStore.drainServer. */
export function drainServer(
  { tables, now }: WriteTransaction,
  { serverAddr, drain }: ServerDrain,
): ServerDrainResult {
  const { leases, counters } = tables;
  const sessions = counters.get(`s:${serverAddr}`) ?? 0;
  const lease = leases.get(serverAddr);
  if (!lease || lease.lost !== undefined)
    return { hasLease: false, sessions, deadlineMs: 0, isPartial: false };
  const { incarnation } = lease;
  const deadline = drain && now + drain.overMs;
  // A lease that has run out is kept once, however often it drains.
  const lapsed = lease.drain?.lapsed;
  leases.put(serverAddr, {
    ...lease,
    drain: drain && { incarnation, deadline: now + drain.overMs, grace: drain.graceMs, lapsed },
  });
  return { hasLease: true, sessions, deadlineMs: deadline ?? 0, isPartial: false };
}
