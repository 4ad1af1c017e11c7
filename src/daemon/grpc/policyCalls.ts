import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { checkPolicyName } from '../../presence/checkPolicy.js';
import { permitOf } from '../auth/guardedCall.js';
import { actorOf } from '../auth/identity.js';
import { readPolicy } from '../messages/policyRequests.js';
import { toPolicy } from '../messages/policyResponse.js';
import type { Policies } from '../policies.js';
import type { Calls } from './calls.js';
import type { UnaryCall } from './unaryMethod.js';

/** The calls for session policies. */
export function policyCalls(
  policies: Policies,
  calls: Calls,
): Pick<
  PresenceServiceHandlers,
  'PutPolicy' | 'ListPolicies' | 'GetPolicy' | 'DeletePolicy' | 'SetDefaultPolicy'
> {
  return {
    PutPolicy: calls.handler(async (request, call) => {
      const { policy, changed } = await policies.put(readPolicy(request), authorOf(call));
      return { policy: toPolicy(policy), changed };
    }),

    ListPolicies: calls.handler(() => ({
      policies: policies.stored.map(toPolicy),
      defaultPolicy: policies.defaultPolicy,
      revision: policies.revision,
    })),

    GetPolicy: calls.handler(({ name }) => {
      checkPolicyName('name', name);
      return { policy: toPolicy(policies.get(name)), isDefault: policies.defaultPolicy === name };
    }),

    DeletePolicy: calls.handler(async ({ name }) => {
      checkPolicyName('name', name);
      await policies.delete(name);
      return {};
    }),

    SetDefaultPolicy: calls.handler(async ({ name }, call) => {
      checkPolicyName('name', name);
      const { policy, previous } = await policies.setDefault(name, authorOf(call));
      return { policy: toPolicy(policy), previous };
    }),
  };
}

/** The name of the caller, as in the audit trail. */
function authorOf(call: UnaryCall): string {
  return actorOf(permitOf(call.metadata)?.caller, call.getAuthContext().sslPeerCertificate).identity.name;
}
