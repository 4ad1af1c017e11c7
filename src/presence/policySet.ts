import { randomUUID } from 'node:crypto';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import { LIMITS } from './limits.js';
import { KEEP_ALL, PRESETS } from './policyPresets.js';

/** A session policy as it is stored. */
export interface StoredPolicy extends SessionPolicy {
  /** One more with every change; 0 for a preset that is not stored. */
  readonly version: number;
  /** The name of the identity that made the last change; '' for a preset. */
  readonly author: string;
}

/** The session policies of a store, as one value that is replaced as a whole. */
export interface PolicySet {
  /** Names this state: another one with every change, and '' if there never was a change. */
  readonly id: string;
  /** One more with every change. */
  readonly revision: number;
  readonly defaultPolicy: string;
  /** By name. */
  readonly policies: readonly StoredPolicy[];
}

/** The policies of a new store. */
export const NO_POLICIES: PolicySet = {
  id: '',
  revision: 0,
  defaultPolicy: KEEP_ALL.name,
  policies: [],
};

/** A stored policy, or else a preset, by its name; undefined if there is none. */
export function findPolicy({ policies }: PolicySet, name: string): StoredPolicy | undefined {
  const stored = policies.find((policy) => policy.name === name);
  if (stored !== undefined) return stored;
  const preset = PRESETS.find((policy) => policy.name === name);
  return preset && { ...preset, version: 0, author: '' };
}

/** As {@link findPolicy}; throws NOT_FOUND. */
export function getPolicy(set: PolicySet, name: string): StoredPolicy {
  const policy = findPolicy(set, name);
  if (policy !== undefined) return policy;
  throw notFound(name, 'imstate policy list and imstate policy presets show those there are');
}

/**
 * Stores a policy under its name; the set is the same one if it has the policy already. Throws INVALID_ARGUMENT
 * for the name of a login_policy, and RESOURCE_EXHAUSTED if there are too many.
 */
export function putPolicy(
  set: PolicySet,
  policy: SessionPolicy,
  author: string,
): { set: PolicySet; policy: StoredPolicy } {
  const before = set.policies.find(({ name }) => name === policy.name);
  if (before !== undefined && isSame(before, policy)) return { set, policy: before };
  if (before === undefined && set.policies.length >= LIMITS.policies.max) {
    const message =
      `${LIMITS.policies.max} policies are stored, the limit, and nothing was changed: ` +
      'delete one that no login names';
    throw new ImstateError('RESOURCE_EXHAUSTED', message);
  }
  const stored: StoredPolicy = { ...policy, version: (before?.version ?? 0) + 1, author };
  const others = set.policies.filter(({ name }) => name !== policy.name);
  const policies = [...others, stored].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { set: changed(set, { policies }), policy: stored };
}

/** Removes a stored policy. Throws NOT_FOUND, or FAILED_PRECONDITION if it is the default. */
export function deletePolicy(set: PolicySet, name: string): PolicySet {
  if (!set.policies.some((policy) => policy.name === name)) {
    const isPreset = findPolicy(set, name) !== undefined;
    throw notFound(
      name,
      isPreset ? 'it is a preset, which cannot be deleted' : 'imstate policy list shows those there are',
    );
  }
  if (set.defaultPolicy === name) {
    const message = `the policy ${name} is the default, and nothing was changed: set another default first`;
    throw new ImstateError('FAILED_PRECONDITION', message, { field: 'name' });
  }
  return changed(set, { policies: set.policies.filter((policy) => policy.name !== name) });
}

/** Chooses the default policy. A preset is stored, so that all daemons know it. Throws NOT_FOUND. */
export function setDefaultPolicy(
  set: PolicySet,
  name: string,
  author: string,
): { set: PolicySet; policy: StoredPolicy } {
  const policy = getPolicy(set, name);
  if (set.defaultPolicy === name) return { set, policy };
  if (policy.version > 0 || name === KEEP_ALL.name)
    return { set: changed(set, { defaultPolicy: name }), policy };
  const put = putPolicy(set, policyOf(policy), author);
  return { set: { ...put.set, defaultPolicy: name }, policy: put.policy };
}

/** The later of two states: what a daemon knows may have been lost by the store. */
export function isLater(set: PolicySet, other: PolicySet): boolean {
  return set.revision > other.revision;
}

function changed(set: PolicySet, changes: Partial<PolicySet>): PolicySet {
  return { ...set, ...changes, id: randomUUID(), revision: set.revision + 1 };
}

/** The rules of a policy, without its version and author. */
function policyOf({ name, platforms, classes, limits, exclusive }: SessionPolicy): SessionPolicy {
  return { name, platforms, classes, limits, exclusive };
}

/** The order of classes counts, too: it is what people see. */
function isSame(stored: StoredPolicy, policy: SessionPolicy): boolean {
  return JSON.stringify(policyOf(stored)) === JSON.stringify(policyOf(policy));
}

function notFound(name: string, wayOut: string): ImstateError {
  return new ImstateError('NOT_FOUND', `there is no stored policy ${JSON.stringify(name)}: ${wayOut}`, {
    field: 'name',
  });
}
