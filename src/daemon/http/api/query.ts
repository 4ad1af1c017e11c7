import { readUser } from 'imstate-client/internal/calls/readDevice';
import { userJson } from 'imstate-client/internal/json';
import { checkId, checkOptionalId } from '../../../presence/validate.js';
import { showUser } from '../../messages/answerSize.js';
import { toGetUserResponse } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/query: the devices of a user, as `imstate query --json` prints them. */
export function queryCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'query',
    role: 'reader',
    parameters: ['userId', 'deviceId', 'explain'],
    async answer(parameters, { peer }) {
      const userId = parameters.text('userId');
      const deviceId = parameters.text('deviceId');
      const explain = parameters.flag('explain', false);
      checkId('userId', userId);
      checkOptionalId('deviceId', deviceId);
      return presence.reads.use(peer, async (budget) => {
        const { sessions, lastSeenMs } = deviceId
          ? { sessions: await presence.devices(userId, deviceId, budget), lastSeenMs: undefined }
          : await presence.user({ userId, includeLastSeen: true }, budget);
        const shown = { ...showUser(sessions, explain), lastSeenMs };
        return userJson(readUser(toGetUserResponse(userId, shown, explain)), {
          explain,
          lastSeen: !deviceId,
        });
      });
    },
  };
}
