import { optionalDuration } from 'imstate-client/internal/wire/duration';
import { readDrain } from '../../messages/requests.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

const KEYS = ['serverAddr', 'overMs', 'graceMs', 'cancel'];

/** POST /api/v1/drain: begins or cancels the drain of a chat server; what `imstate drain --json` prints. */
export function drainCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'drain',
    role: 'writer',
    parameters: [],
    async answer(_, { body, checkServer }) {
      const keys = JsonBody.parse(await body(), KEYS, '{"serverAddr":"10.0.0.1:9000","overMs":120000}');
      const drain = readDrain({
        serverAddr: keys.text('serverAddr'),
        over: optionalDuration(keys.integer('overMs')),
        grace: optionalDuration(keys.integer('graceMs')),
        cancel: keys.flag('cancel'),
      });
      checkServer({ field: 'serverAddr', addr: drain.serverAddr });
      const { sessions, deadlineMs, isPartial } = await presence.drainServer(drain);
      const deadline = deadlineMs > 0 ? new Date(deadlineMs).toISOString() : null;
      return { serverAddr: drain.serverAddr, sessions, deadline, partial: isPartial };
    },
  };
}
