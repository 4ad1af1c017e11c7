import { readHistoryEntry } from 'imstate-client/internal/calls/readDevice';
import { historyEntryJson } from 'imstate-client/internal/json';
import { checkId, checkOptionalId } from '../../../presence/validate.js';
import { toHistoryEntry } from '../../messages/responses.js';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/history: a page of what `imstate history --json` prints. */
export function historyCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'history',
    role: 'reader',
    parameters: ['userId', 'deviceId', 'pageSize', 'pageToken'],
    async answer(parameters, { peer }) {
      const userId = parameters.text('userId');
      const deviceId = parameters.text('deviceId');
      checkId('userId', userId);
      checkOptionalId('deviceId', deviceId);
      const page = { deviceId: deviceId || undefined, ...parameters.page() };
      const { entries, next } = await presence.history(userId, page, peer);
      return {
        userId,
        entries: entries.map((entry) => historyEntryJson(readHistoryEntry(toHistoryEntry(entry)))),
        nextPageToken: next ?? null,
      };
    },
  };
}
