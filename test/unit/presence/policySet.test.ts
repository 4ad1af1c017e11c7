import { expect, test } from 'vitest';
import type { SessionPolicy } from '../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { LIMITS } from '../../../src/presence/limits.ts';
import {
  deletePolicy,
  findPolicy,
  getPolicy,
  isLater,
  NO_POLICIES,
  type PolicySet,
  putPolicy,
  setDefaultPolicy,
} from '../../../src/presence/policySet.ts';

const one: SessionPolicy = checkPolicy({
  name: 'one',
  limits: [{ per: 'user', max: 1, onConflict: 'REJECT' }],
});
const two: SessionPolicy = { ...one, limits: [{ per: 'user', max: 2, onConflict: 'REJECT' }] };
const put = (set: PolicySet, policy: SessionPolicy) => putPolicy(set, policy, 'ops');
const withOne = put(NO_POLICIES, one).set;

test('a policy is stored with its version and its author', () => {
  expect(put(NO_POLICIES, one).policy).toEqual({ ...one, version: 1, author: 'ops' });
  expect(putPolicy(withOne, two, 'another').policy).toEqual({ ...two, version: 2, author: 'another' });
});

test('every change has another id, and the next revision', () => {
  const next = put(withOne, two).set;
  expect([NO_POLICIES.revision, withOne.revision, next.revision]).toEqual([0, 1, 2]);
  expect(new Set([NO_POLICIES.id, withOne.id, next.id]).size).toBe(3);
  expect(isLater(next, withOne)).toBe(true);
  expect(isLater(withOne, withOne)).toBe(false);
});

test('the same contents change nothing', () => {
  expect(putPolicy(withOne, { ...one }, 'another')).toEqual({ set: withOne, policy: withOne.policies[0] });
});

test('the policies are in the order of their names', () => {
  const set = put(put(withOne, { ...one, name: 'b' }).set, { ...one, name: 'a' }).set;
  expect(set.policies.map(({ name }) => name)).toEqual(['a', 'b', 'one']);
});

test('there is a limit of policies, and each can still be changed', () => {
  let set = NO_POLICIES;
  for (let i = 0; i < LIMITS.policies.max; i++) set = put(set, { ...one, name: `p${i}` }).set;
  expect(() => put(set, { ...one, name: 'further' })).toThrow(
    expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }),
  );
  expect(put(set, { ...two, name: 'p7' }).policy.version).toBe(2);
});

test('a stored policy comes before a preset of its name', () => {
  expect(findPolicy(NO_POLICIES, 'openim-1')).toMatchObject({ version: 0, author: '' });
  const set = put(NO_POLICIES, { ...two, name: 'openim-1' }).set;
  expect(getPolicy(set, 'openim-1')).toMatchObject({ version: 1, limits: two.limits });
  expect(() => getPolicy(set, 'none')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test('the default is keep-all at first, then a stored policy', () => {
  expect(NO_POLICIES.defaultPolicy).toBe('keep-all');
  const { set, policy } = setDefaultPolicy(withOne, 'one', 'ops');
  expect(set).toMatchObject({ defaultPolicy: 'one', revision: 2, policies: withOne.policies });
  expect(policy).toEqual(withOne.policies[0]);
  expect(setDefaultPolicy(set, 'one', 'ops').set).toBe(set);
  expect(setDefaultPolicy(set, 'keep-all', 'ops').set).toMatchObject({
    defaultPolicy: 'keep-all',
    revision: 3,
  });
});

test('a preset that becomes the default is stored, so that all daemons know it', () => {
  const { set } = setDefaultPolicy(NO_POLICIES, 'openim-1', 'ops');
  expect(set).toMatchObject({ defaultPolicy: 'openim-1', revision: 1 });
  expect(set.policies).toMatchObject([{ name: 'openim-1', version: 1, author: 'ops' }]);
  expect(() => setDefaultPolicy(set, 'none', 'ops')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test('a policy is deleted unless it is the default, a preset or unknown', () => {
  expect(deletePolicy(withOne, 'one')).toMatchObject({ policies: [], revision: 2 });
  const { set } = setDefaultPolicy(withOne, 'one', 'ops');
  expect(() => deletePolicy(set, 'one')).toThrow(expect.objectContaining({ code: 'FAILED_PRECONDITION' }));
  expect(() => deletePolicy(set, 'openim-1')).toThrow('it is a preset, which cannot be deleted');
  expect(() => deletePolicy(set, 'none')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});
