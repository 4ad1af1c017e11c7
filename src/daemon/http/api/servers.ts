import { toChatServer } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { chatServerJson } from './json.js';

const PAGE = 1_000;

/** GET /api/v1/servers: a page of what `imstate servers --json` prints, by address. */
export function serversCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'servers',
    role: 'reader',
    parameters: ['pageSize', 'pageToken'],
    async answer(parameters) {
      const { limit, after } = parameters.page(PAGE);
      const { servers, next, isPartial } = await presence.servers({ limit, after });
      return {
        servers: servers.map((server) => chatServerJson(toChatServer(server))),
        nextPageToken: next ?? null,
        partial: isPartial,
      };
    },
  };
}
