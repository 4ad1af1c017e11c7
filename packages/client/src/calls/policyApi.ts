import type { Channel } from '../connection/channel.js';
import type { DeletePolicyResponse__Output } from '../generated/imstate/v1/DeletePolicyResponse.js';
import type { GetPolicyResponse__Output } from '../generated/imstate/v1/GetPolicyResponse.js';
import type { ListPoliciesResponse__Output } from '../generated/imstate/v1/ListPoliciesResponse.js';
import type { OnlineResponse__Output } from '../generated/imstate/v1/OnlineResponse.js';
import type { Policy__Output } from '../generated/imstate/v1/Policy.js';
import type { PutPolicyResponse__Output } from '../generated/imstate/v1/PutPolicyResponse.js';
import type { SetDefaultPolicyResponse__Output } from '../generated/imstate/v1/SetDefaultPolicyResponse.js';
import { ImstateError } from '../shared/errors.js';
import { fromWirePolicy, toWirePolicy } from '../wire/policy.js';
import { rejectNotFound } from './callErrors.js';
import { readDecision, toPolicyFields } from './loginPolicy.js';
import type { StoredPolicy } from './policies.js';
import type { PresenceApi } from './presenceApi.js';

/** The calls of imstate.v1.PresenceService for session policies. */
export function policyApi(
  channel: Channel,
): Pick<
  PresenceApi,
  'putPolicy' | 'listPolicies' | 'getPolicy' | 'deletePolicy' | 'setDefaultPolicy' | 'validateLogin'
> {
  const { presenceService } = channel;
  return {
    async putPolicy(policy, options) {
      const answer = await channel.callPresence<PutPolicyResponse__Output>(
        (grpcOptions, done) => presenceService.PutPolicy({ policy: toWirePolicy(policy) }, grpcOptions, done),
        options,
      );
      return { policy: readPolicy(answer.policy), changed: answer.changed };
    },

    async listPolicies(options) {
      const { policies, defaultPolicy, revision } = await channel.callPresence<ListPoliciesResponse__Output>(
        (grpcOptions, done) => presenceService.ListPolicies({}, grpcOptions, done),
        options,
        true,
      );
      return { policies: policies.map(readPolicy), defaultPolicy, revision };
    },

    async getPolicy(name, options) {
      const { policy } = await channel
        .callPresence<GetPolicyResponse__Output>(
          (grpcOptions, done) => presenceService.GetPolicy({ name }, grpcOptions, done),
          options,
          true,
        )
        .catch(rejectNotFound('name'));
      return readPolicy(policy);
    },

    async deletePolicy(name, options) {
      await channel
        .callPresence<DeletePolicyResponse__Output>(
          (grpcOptions, done) => presenceService.DeletePolicy({ name }, grpcOptions, done),
          options,
        )
        .catch(rejectNotFound('name'));
    },

    async setDefaultPolicy(name, options) {
      const { policy, previous } = await channel
        .callPresence<SetDefaultPolicyResponse__Output>(
          (grpcOptions, done) => presenceService.SetDefaultPolicy({ name }, grpcOptions, done),
          options,
        )
        .catch(rejectNotFound('name'));
      return { policy: readPolicy(policy), previous };
    },

    async validateLogin({ userId, deviceId = '', platform = '', policy }, options) {
      // Without a chat server: a daemon that does not know dry runs rejects it instead of logging in.
      const request = { userId, deviceId, platform, ...toPolicyFields(policy), validateOnly: true };
      const answer = await channel
        .call<OnlineResponse__Output>(
          (grpcOptions, done) => presenceService.Online(request, grpcOptions, done),
          options,
          true,
        )
        .catch((error) => rejectOlder(deviceId, error));
      return readDecision(answer);
    },
  };
}

function readPolicy(policy: Policy__Output | null): StoredPolicy {
  if (policy === null) throw new ImstateError('INTERNAL', 'the daemon answered without a policy');
  return { ...fromWirePolicy(policy), version: policy.version, author: policy.author || undefined };
}

function rejectOlder(deviceId: string, error: unknown): never {
  const isOlder =
    error instanceof ImstateError &&
    error.code === 'INVALID_ARGUMENT' &&
    (error.message.startsWith('server_addr ') || (deviceId === '' && error.message.startsWith('device_id ')));
  if (!isOlder) throw error;
  const message = 'the daemon cannot try a login: it is older than 0.2.0, and knows no policies; upgrade it';
  throw new ImstateError('UNIMPLEMENTED', message, { cause: error });
}
