import type { RootDatabase } from 'lmdb';
import { NO_POLICIES, type PolicySet } from '../../presence/policySet.js';

const KEY = 'policies';

/** The session policies; those of a new store if none were written. */
export function readPolicies(root: RootDatabase): PolicySet {
  return root.get(KEY) ?? NO_POLICIES;
}

/** See PresenceStore.writePolicies. */
export function writePolicies(root: RootDatabase, set: PolicySet, replaces: string): boolean {
  if (readPolicies(root).id !== replaces) return false;
  root.put(KEY, set);
  return true;
}
