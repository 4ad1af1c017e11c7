import { LIMITS } from '../../../presence/limits.js';
import { readSessions } from '../../messages/requests.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

const KEYS = ['userId', 'deviceId', 'sessionId'];
const EXAMPLE = '{"sessions":[{"userId":"alice","deviceId":"phone","sessionId":"s-1"}]}';

/** POST /api/v1/heartbeat: renews sessions, and answers with those that have ended. */
export function heartbeatCall({ presence, load }: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'heartbeat',
    role: 'writer',
    parameters: [],
    maxBodyBytes: LIMITS.httpBatchBody.max,
    async answer(_, { body, carries }) {
      const items = JsonBody.parse(await body(), ['sessions'], EXAMPLE).objects(
        'sessions',
        KEYS,
        LIMITS.heartbeatSessions.max,
      );
      const sessions = readSessions(
        items.map((item) => ({
          userId: item.text('userId'),
          deviceId: item.text('deviceId'),
          sessionId: item.text('sessionId'),
        })),
      );
      carries(sessions.length);
      const answers = await load.run(sessions.length, true, () => presence.heartbeat(sessions));
      return {
        ended: sessions.flatMap(({ userId, deviceId, sessionId }, i) => {
          const ended = answers[i];
          if (ended === undefined) return [];
          const { reason, reasonText } = ended;
          return [{ userId, deviceId, sessionId, reason: reason ?? null, reasonText: reasonText || null }];
        }),
      };
    },
  };
}
