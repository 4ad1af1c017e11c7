import { readDecision } from 'imstate-client/internal/calls/loginPolicy';
import { decisionJson, policyJson } from 'imstate-client/internal/json';
import { classOfLogin } from '../../../presence/policy.js';
import { checkId, checkOptionalId, checkPlatform } from '../../../presence/validate.js';
import { toOnlineResponse } from '../../messages/onlineResponse.js';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/policies: what `imstate policy list --json` prints. */
export function policiesCall({ policies }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'policies',
    role: 'reader',
    parameters: [],
    async answer() {
      const { defaultPolicy, revision, stored } = policies;
      // The default may be a preset, which is not stored.
      const shown = stored.some(({ name }) => name === defaultPolicy)
        ? stored
        : [policies.get(defaultPolicy), ...stored];
      return { defaultPolicy, revision, policies: shown.map(policyJson) };
    },
  };
}

/** GET /api/v1/policies/explain: what `imstate policy explain --json` prints. It changes nothing. */
export function explainPolicyCall({ presence, policies }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'policies/explain',
    role: 'reader',
    parameters: ['userId', 'deviceId', 'platform', 'policy'],
    async answer(parameters, { peer }) {
      const userId = parameters.text('userId');
      const deviceId = parameters.text('deviceId');
      const platform = parameters.text('platform');
      checkId('userId', userId);
      checkOptionalId('deviceId', deviceId);
      checkPlatform('platform', platform);
      // Nobody bypasses anything by asking.
      const policy = policies.choose({ name: parameters.text('policy'), word: undefined }, true);
      const trial = { userId, deviceId, sessionId: '', platform, policy };
      const decision = readDecision(toOnlineResponse(trial, await presence.validateLogin(trial, peer)));
      return decisionJson(trial, decision, classOfLogin(policy, platform));
    },
  };
}
