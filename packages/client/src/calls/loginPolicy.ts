import type { OnlineResponse__Output } from '../generated/imstate/v1/OnlineResponse.js';
import { ImstateError } from '../shared/errors.js';
import { POLICY_NAME } from '../shared/policy.js';
import { loginPolicies } from '../wire/enums.js';
import { fromWireLimit } from '../wire/policy.js';
import type { LoginPolicy, OnlineRequest, OnlineResult } from './messages.js';
import type { LoginValidation } from './policies.js';
import { readDevice, readEnded } from './readDevice.js';

/** The word of a `login_policy` for the name of a policy, in either spelling; undefined for any other name. */
export function loginPolicyWord(policy: LoginPolicy | undefined) {
  return policy !== undefined && loginPolicies.spellings.includes(policy)
    ? loginPolicies.parse('policy', policy)
    : undefined;
}

/** The fields of a login for its policy. Daemons of all versions know `login_policy`. */
export function toPolicyFields(policy: LoginPolicy | undefined) {
  const word = loginPolicyWord(policy);
  // An empty name would choose the default policy, and an older daemon would ignore a wrong spelling.
  const isNamed = policy !== undefined && word === undefined;
  if (isNamed && (typeof policy !== 'string' || !POLICY_NAME.test(policy))) throw notPolicy(policy);
  return { loginPolicy: loginPolicies.toWire(word), policy: word === undefined ? (policy ?? '') : '' };
}

function notPolicy(given: unknown): ImstateError {
  const shown = typeof given === 'string' ? JSON.stringify(given.slice(0, 65)) : String(given);
  return new ImstateError(
    'INVALID_ARGUMENT',
    `policy must be the name of a policy, such as one-per-class or keep-all; this one is ${shown}`,
    { field: 'policy' },
  );
}

/** Whether a daemon before version 0.2.0 ignored the policy that a login names. */
export function isPolicyIgnored(
  { policy }: Pick<OnlineRequest, 'policy'>,
  result: Pick<OnlineResult, 'policy' | 'endReason'>,
): boolean {
  const isNamed = policy !== undefined && loginPolicyWord(policy) === undefined;
  return isNamed && result.policy === undefined && result.endReason === undefined;
}

/** What a policy has decided about a login. */
export function readDecision(answer: OnlineResponse__Output): LoginValidation {
  return {
    rejected: answer.rejected,
    replaced: answer.replaced.map(readEnded),
    replacedOmitted: answer.replacedOmitted,
    conflicts: answer.conflicts.map(readDevice),
    conflictsOmitted: answer.conflictsOmitted,
    limit: answer.limit ? fromWireLimit(answer.limit) : undefined,
    policy: answer.policy || undefined,
  };
}
