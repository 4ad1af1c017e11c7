import { toStats } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/stats: what is online, as `imstate stats --json` prints it. */
export function statsCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'stats',
    role: 'reader',
    parameters: [],
    answer: async () => toStats(await presence.stats()),
  };
}
