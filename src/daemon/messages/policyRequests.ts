import type { OnlineRequest__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineRequest';
import type { PutPolicyRequest__Output } from 'imstate-client/internal/generated/imstate/v1/PutPolicyRequest';
import type { SessionPolicy } from 'imstate-client/internal/shared/policy';
import { loginPolicies } from 'imstate-client/internal/wire/enums';
import { fromWirePolicy } from 'imstate-client/internal/wire/policy';
import { checkPolicy, type PolicyPath } from '../../presence/checkPolicy.js';
import { KEEP_ALL } from '../../presence/policyPresets.js';
import { broken } from '../../presence/validate.js';
import type { Caller } from '../auth/roles.js';
import type { Policies } from '../policies.js';

/**
 * The policy that a login chooses: none decides about a session that is resent. `caller` is undefined if
 * authentication is off.
 */
export function readPolicyOf(
  { loginPolicy, policy, platform, loginTime }: OnlineRequest__Output,
  policies: Policies,
  caller: Caller | undefined,
): SessionPolicy {
  const word = loginPolicies.fromWire(loginPolicy);
  if (word === 'UNKNOWN') throw broken('login_policy', `${loginPolicy} is not a LoginPolicy`);
  if (word === 'REPLACE_SAME_PLATFORM' && platform === '') {
    throw broken('platform', 'must be given with the login policy REPLACE_SAME_PLATFORM');
  }
  // The policies may have changed since the session began.
  if (loginTime !== null) return KEEP_ALL;
  return policies.choose({ name: policy, word }, caller === undefined || caller.role === 'admin');
}

/** Reads and checks the policy of PutPolicy. */
export function readPolicy({ policy }: PutPolicyRequest__Output): SessionPolicy {
  if (policy === null) throw broken('policy', 'must be given');
  const names = policy.classes.map(({ name }) => name);
  const repeated = names.findIndex((name, i) => names.indexOf(name) < i);
  if (repeated !== -1)
    throw broken(`policy.classes[${repeated}].name`, `"${names[repeated]}" names another class already`);
  return checkPolicy(fromWirePolicy(policy), (path) => formatField(path, names));
}

/** A path in a policy as presence.proto spells it: `policy.classes[0].platforms[1]`. */
function formatField(path: PolicyPath, classes: readonly string[]): string {
  const [first, name, index] = path;
  if (first === 'classes' && typeof name === 'string') {
    const platform = index === undefined ? 'name' : `platforms[${index}]`;
    return `policy.classes[${classes.indexOf(name)}].${platform}`;
  }
  const words = path.map((key) => WIRE_NAMES[key] ?? key);
  const isGroup = first === 'exclusive' && path.length === 3;
  const parts = isGroup ? [...words.slice(0, 2), 'classes', words[2] as number] : words;
  return parts.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${key}`),
    'policy',
  );
}

const WIRE_NAMES: Readonly<Record<string, string>> = { class: 'class_name', onConflict: 'on_conflict' };
