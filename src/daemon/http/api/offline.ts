import { optionalDuration } from 'imstate-client/internal/wire/duration';
import { readLogout } from '../../messages/requests.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

const KEYS = ['userId', 'deviceId', 'sessionId', 'graceMs'];

/** POST /api/v1/offline: logs a device out; what `imstate offline --json` prints. */
export function offlineCall({ presence, load }: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'offline',
    role: 'writer',
    parameters: [],
    async answer(_, { about, body }) {
      const keys = JsonBody.parse(await body(), KEYS, '{"userId":"alice","deviceId":"phone"}');
      const [userId, deviceId] = [keys.text('userId'), keys.text('deviceId')];
      about({ userId, deviceId });
      const logout = readLogout({
        userId,
        deviceId,
        sessionId: keys.text('sessionId'),
        grace: optionalDuration(keys.integer('graceMs')),
      });
      const applied = await load.run(1, false, () => presence.offline(logout));
      return { userId, deviceId, applied };
    },
  };
}
