import { readRelay } from 'imstate-client/internal/calls/relayApi';
import { relayJson } from 'imstate-client/internal/json';
import { toRelay } from '../../messages/relayMessages.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { checkNoKeys } from './jsonBody.js';

/** GET /api/v1/relays: what `imstate relay list --json` prints. */
export function relaysCall({ relays }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'relays',
    role: 'reader',
    parameters: [],
    async answer() {
      const found = await relays.list();
      return {
        relays: found.map(({ relay, nowMs, lag }) => relayJson(readRelay(toRelay(relay, nowMs, lag)))),
      };
    },
  };
}

/** POST /api/v1/relays/{name}/pause and /resume. The response is the relay, without its lag. */
export function pauseRelayCalls(parts: ApiParts): ApiCall[] {
  return [pauseCall(parts, 'pause'), pauseCall(parts, 'resume')];
}

function pauseCall({ relays }: ApiParts, verb: 'pause' | 'resume'): ApiCall {
  return {
    method: 'POST',
    name: `relays/{name}/${verb}`,
    role: 'admin',
    parameters: [],
    async answer(_, { segments, body }) {
      checkNoKeys(await body());
      const { relay, nowMs } = await relays.pause(segments.name ?? '', verb === 'pause');
      return relayJson(readRelay(toRelay(relay, nowMs)));
    },
  };
}
