import { readChatServer } from 'imstate-client/internal/calls/readDevice';
import { chatServerJson } from 'imstate-client/internal/json';
import { toChatServer } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';

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
        servers: servers.map((server) => chatServerJson(readChatServer(toChatServer(server)))),
        nextPageToken: next ?? null,
        partial: isPartial,
      };
    },
  };
}
