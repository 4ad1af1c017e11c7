import { readRoutes } from 'imstate-client/internal/calls/router';
import { routeJson } from 'imstate-client/internal/json';
import { LIMITS } from '../../../presence/limits.js';
import { readBatch } from '../../messages/requests.js';
import { toRouteResponse } from '../../messages/routeResponse.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

/** POST /api/v1/route: what `imstate route --json` prints. It changes nothing. */
export function routeCall({ presence, load }: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'route',
    role: 'reader',
    parameters: [],
    maxBodyBytes: LIMITS.httpBatchBody.max,
    async answer(_, { peer, body, carries }) {
      const keys = JsonBody.parse(await body(), ['userIds'], '{"userIds":["alice","bob"]}');
      const userIds = readBatch(keys.texts('userIds'));
      carries(userIds.length);
      const routes = await load.run(userIds.length, false, () =>
        presence.reads.use(peer, async (budget) => toRouteResponse(await presence.route(userIds, budget))),
      );
      return routeJson(readRoutes([routes]));
    },
  };
}
