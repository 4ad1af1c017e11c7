import type { Policy } from 'imstate-client/internal/generated/imstate/v1/Policy';
import { toWirePolicy } from 'imstate-client/internal/wire/policy';
import type { StoredPolicy } from '../../presence/policySet.js';

/** A stored policy or a preset as a message. */
export function toPolicy(policy: StoredPolicy): Policy {
  return { ...toWirePolicy(policy), version: policy.version, author: policy.author };
}
