import { formatPlace, parsePlace } from '../../../store/place.js';
import { toChatServer } from '../../services/responses.js';
import type { ApiCall, ApiParts } from './calls.js';
import { chatServerJson } from './json.js';

const PAGE = 1_000;

/** GET /api/v1/servers: a page of what `imstate servers --json` prints, by address. */
export function serversCall({ presence }: ApiParts): ApiCall {
  return {
    ...{ method: 'GET', name: 'servers', role: 'reader', parameters: ['pageSize', 'pageToken'] },
    async answer(parameters) {
      const { limit, after } = parameters.page(PAGE);
      const [last] = after === undefined ? [''] : parsePlace(after, ['']);
      const rest = (await presence.servers()).filter(({ serverAddr }) => serverAddr > (last as string));
      const page = rest.slice(0, limit);
      const end = rest.length > limit ? page.at(-1) : undefined;
      return {
        servers: page.map((server) => chatServerJson(toChatServer(server))),
        nextPageToken: end ? formatPlace([end.serverAddr]) : null,
      };
    },
  };
}
