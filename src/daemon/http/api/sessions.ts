import { readDevice } from 'imstate-client/internal/calls/readDevice';
import { deviceJson } from 'imstate-client/internal/json';
import type { SessionFilter } from '../../../presence/listings.js';
import { checkOptionalId, checkServerName } from '../../../presence/validate.js';
import { toDevice } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import type { Parameters } from './parameters.js';

/** GET /api/v1/sessions: a page of what `imstate sessions --json` prints. */
export function sessionsCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'sessions',
    role: 'reader',
    parameters: ['serverAddr', 'userIdPrefix', 'deviceId', 'sessionId', 'pageSize', 'pageToken'],
    async answer(parameters, { response }) {
      const serverAddr = parameters.text('serverAddr');
      if (serverAddr !== '') checkServerName('serverAddr', serverAddr);
      const page = { serverAddr: serverAddr || undefined, ...parameters.page() };
      const { sessions, next, isPartial, scanned } = await presence.sessions(
        page,
        readFilter(parameters),
        () => !response.closed,
      );
      return {
        sessions: sessions.map(({ userId, session }) => ({
          userId,
          ...deviceJson(readDevice(toDevice(session))),
        })),
        nextPageToken: next ?? null,
        partial: isPartial,
        scanned,
      };
    },
  };
}

function readFilter(parameters: Parameters): SessionFilter {
  const read = (name: string): string | undefined => {
    const value = parameters.text(name);
    checkOptionalId(name, value);
    return value || undefined;
  };
  return {
    userIdPrefix: read('userIdPrefix'),
    deviceId: read('deviceId'),
    sessionId: read('sessionId'),
  };
}
