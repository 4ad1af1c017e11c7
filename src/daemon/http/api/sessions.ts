import { readDevice } from 'imstate-client/internal/calls/readDevice';
import { deviceJson } from 'imstate-client/internal/json';
import { checkServerName } from '../../../presence/validate.js';
import { toDevice } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/sessions: a page of what `imstate sessions --json` prints. */
export function sessionsCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'sessions',
    role: 'reader',
    parameters: ['serverAddr', 'pageSize', 'pageToken'],
    async answer(parameters) {
      const serverAddr = parameters.text('serverAddr');
      if (serverAddr !== '') checkServerName('serverAddr', serverAddr);
      const page = { serverAddr: serverAddr || undefined, ...parameters.page() };
      const { sessions, next, isPartial } = await presence.sessions(page);
      return {
        sessions: sessions.map(({ userId, session }) => ({
          userId,
          ...deviceJson(readDevice(toDevice(session))),
        })),
        nextPageToken: next ?? null,
        partial: isPartial,
      };
    },
  };
}
