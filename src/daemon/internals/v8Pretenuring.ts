import { setFlagsFromString } from 'node:v8';
import { isTestedNode } from './testedNode.js';

/**
 * Patch of V8: turns off allocation-site pretenuring, for the whole process. Only `imstate serve` calls it,
 * before the first call of a client: a library must not change the flags of its process.
 *
 * While a daemon warms up, many calls are in flight at each collection of the young generation. V8 concludes
 * that some of their objects will last and allocates them in the old generation from then on. There they
 * retain the calls that they reference until the next full collection. In most starts a call then takes a
 * fifth to a quarter more CPU time; see docs/performance.md.
 *
 * - Upstream: no issue.
 * - Tested with Node.js 20.20, 22.23 and 24.22; not applied to other majors. V8 prints an error for a flag
 *   that it does not know.
 * - Fallback: V8 decides.
 *
 * Returns whether the flag was set.
 */
export function disablePretenuring(isTested = isTestedNode(), setFlags = setFlagsFromString): boolean {
  if (isTested) setFlags('--no-allocation-site-pretenuring');
  return isTested;
}
