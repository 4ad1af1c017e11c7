import { describeEnds } from './ends.ts';
import { describeLeases } from './leases.ts';
import { describeLists } from './lists.ts';
import { describeSessions } from './sessions.ts';
import type { MakeStore } from './underTest.ts';

/** What every store must do: the rules of presence. Called by the test file of each implementation. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describeSessions(name, makeStore);
  describeEnds(name, makeStore);
  describeLeases(name, makeStore);
  describeLists(name, makeStore);
}
