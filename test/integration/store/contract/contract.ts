import { describeAudit } from './audit.ts';
import { describeChangeLog } from './changeLog.ts';
import { describeDetails } from './details.ts';
import { describeDevices } from './devices.ts';
import { describeDrains } from './drains.ts';
import { describeEnds } from './ends.ts';
import { describeErase } from './erase.ts';
import { describeIdentity } from './identity.ts';
import { describeLeases } from './leases.ts';
import { describeLists } from './lists.ts';
import { describeNames } from './names.ts';
import { describePolicies } from './policies.ts';
import { describeSessions } from './sessions.ts';
import type { MakeStore } from './underTest.ts';

/** The rules of presence that every store must follow. Called by the test file of each implementation. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describeSessions(name, makeStore);
  describeDetails(name, makeStore);
  describeDevices(name, makeStore);
  describeEnds(name, makeStore);
  describeErase(name, makeStore);
  describeLeases(name, makeStore);
  describeDrains(name, makeStore);
  describeLists(name, makeStore);
  describeIdentity(name, makeStore);
  describeNames(name, makeStore);
  describeChangeLog(name, makeStore);
  describeAudit(name, makeStore);
  describePolicies(name, makeStore);
}
