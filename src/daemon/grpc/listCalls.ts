import type { ListSessionsRequest__Output } from 'imstate-client/internal/generated/imstate/v1/ListSessionsRequest';
import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import type { SessionFilter } from '../../presence/listings.js';
import { checkId, checkOptionalId, checkPageSize, checkServerName } from '../../presence/validate.js';
import { toAuditRecord } from '../messages/auditResponse.js';
import { readAuditFilter } from '../messages/requests.js';
import { toChatServer, toDevice, toHistoryEntry, toStats } from '../messages/responses.js';
import type { Presence } from '../presence.js';
import type { Calls } from './calls.js';

/** Default page sizes. */
const PAGE_SIZE = 100;
const SERVERS_PAGE_SIZE = 1_000;

/** The calls that list something, page by page, and the counters. */
export function listCalls(
  presence: Presence,
  calls: Calls,
): Pick<PresenceServiceHandlers, 'ListHistory' | 'ListSessions' | 'ListServers' | 'GetStats' | 'ListAudit'> {
  return {
    ListHistory: calls.handler(async ({ userId, deviceId, pageSize, pageToken }, call) => {
      checkId('user_id', userId);
      checkOptionalId('device_id', deviceId);
      const limit = checkPageSize('page_size', pageSize, PAGE_SIZE);
      const page = { deviceId: deviceId || undefined, limit, after: pageToken || undefined };
      const { entries, next } = await presence.history(userId, page, call.getPeer());
      return { entries: entries.map(toHistoryEntry), nextPageToken: next ?? '' };
    }),

    ListSessions: calls.handler(async (request, call) => {
      const { serverAddr, pageSize, pageToken } = request;
      if (serverAddr !== '') checkServerName('server_addr', serverAddr);
      const filter = readFilter(request);
      const limit = checkPageSize('page_size', pageSize, PAGE_SIZE);
      const page = { serverAddr: serverAddr || undefined, limit, after: pageToken || undefined };
      const { sessions, next, isPartial, scanned } = await presence.sessions(
        page,
        filter,
        () => !call.cancelled,
      );
      return {
        sessions: sessions.map(({ userId, session }) => ({ userId, device: toDevice(session) })),
        nextPageToken: next ?? '',
        partial: isPartial,
        scanned,
      };
    }),

    ListServers: calls.handler(async ({ pageSize, pageToken }) => {
      const limit = checkPageSize('page_size', pageSize, SERVERS_PAGE_SIZE);
      const { servers, next, isPartial } = await presence.servers({ limit, after: pageToken || undefined });
      return { servers: servers.map(toChatServer), nextPageToken: next ?? '', partial: isPartial };
    }),

    GetStats: calls.handler(async () => toStats(await presence.stats())),

    ListAudit: calls.handler(async (request) => {
      const limit = checkPageSize('page_size', request.pageSize, PAGE_SIZE);
      const after = request.pageToken || undefined;
      const { records, next } = await presence.audit({ ...readAuditFilter(request), limit, after });
      return { records: records.map(toAuditRecord), nextPageToken: next ?? '' };
    }),
  };
}

function readFilter({
  userIdPrefix,
  deviceId,
  sessionId,
}: Pick<ListSessionsRequest__Output, 'userIdPrefix' | 'deviceId' | 'sessionId'>): SessionFilter {
  checkOptionalId('user_id_prefix', userIdPrefix);
  checkOptionalId('device_id', deviceId);
  checkOptionalId('session_id', sessionId);
  return {
    userIdPrefix: userIdPrefix || undefined,
    deviceId: deviceId || undefined,
    sessionId: sessionId || undefined,
  };
}
