import type { Channel } from '../connection/channel.js';
import type { StartCall } from '../connection/unaryCall.js';
import type { AuditOutcome as WireAuditOutcome } from '../generated/imstate/v1/AuditOutcome.js';
import type { GetStatsRequest } from '../generated/imstate/v1/GetStatsRequest.js';
import type { GetStatsResponse__Output } from '../generated/imstate/v1/GetStatsResponse.js';
import type { ListAuditRequest } from '../generated/imstate/v1/ListAuditRequest.js';
import type { ListAuditResponse__Output } from '../generated/imstate/v1/ListAuditResponse.js';
import type { ListHistoryRequest } from '../generated/imstate/v1/ListHistoryRequest.js';
import type { ListHistoryResponse__Output } from '../generated/imstate/v1/ListHistoryResponse.js';
import type { ListServersRequest } from '../generated/imstate/v1/ListServersRequest.js';
import type { ListServersResponse__Output } from '../generated/imstate/v1/ListServersResponse.js';
import type { ListSessionsRequest } from '../generated/imstate/v1/ListSessionsRequest.js';
import type { ListSessionsResponse__Output } from '../generated/imstate/v1/ListSessionsResponse.js';
import { ImstateError } from '../shared/errors.js';
import { auditOutcomes } from '../wire/enums.js';
import { toTimestamp } from '../wire/timestamp.js';
import { readAuditRecord } from './audit.js';
import type { PageRequest } from './listings.js';
import type { CallOptions } from './messages.js';
import type { PresenceApi } from './presenceApi.js';
import { readChatServer, readDevice, readHistoryEntry } from './readDevice.js';

/** Request and response of each read. */
interface Reads {
  ListHistory: [ListHistoryRequest, ListHistoryResponse__Output];
  ListSessions: [ListSessionsRequest, ListSessionsResponse__Output];
  ListServers: [ListServersRequest, ListServersResponse__Output];
  GetStats: [GetStatsRequest, GetStatsResponse__Output];
  ListAudit: [ListAuditRequest, ListAuditResponse__Output];
}

/** The part of the generated client that starts the reads. */
type ReadStub = {
  [Method in keyof Reads]: (
    request: Reads[Method][0],
    ...start: Parameters<StartCall<Reads[Method][1]>>
  ) => ReturnType<StartCall<Reads[Method][1]>>;
};

/** The calls of imstate.v1.PresenceService that list and count. */
export function listingApi(
  channel: Channel,
): Pick<PresenceApi, 'listHistory' | 'listSessions' | 'listServers' | 'getStats' | 'listAudit'> {
  return {
    async listHistory({ userId, deviceId, ...page }, options) {
      const request = { userId, deviceId: deviceId ?? '', ...toPageRequest(page) };
      const { entries, nextPageToken } = await read(channel, 'ListHistory', request, options);
      return { entries: entries.map(readHistoryEntry), nextPageToken: nextPageToken || undefined };
    },

    async listSessions({ serverAddr, userIdPrefix, deviceId, sessionId, ...page }, options) {
      const filter = {
        userIdPrefix: userIdPrefix ?? '',
        deviceId: deviceId ?? '',
        sessionId: sessionId ?? '',
      };
      const request = { serverAddr: serverAddr ?? '', ...filter, ...toPageRequest(page) };
      const response = await read(channel, 'ListSessions', request, options);
      const { sessions, nextPageToken, partial, scanned } = response;
      const isSearch = Object.values(filter).some((value) => value !== '');
      if (isSearch && sessions.length > 0 && scanned === 0) throw cannotSearch();
      return {
        sessions: sessions.flatMap(({ userId, device }) =>
          device ? [{ userId, device: readDevice(device) }] : [],
        ),
        nextPageToken: nextPageToken || undefined,
        partial,
        scanned,
      };
    },

    async listServers(page, options) {
      const request = toPageRequest(page);
      const { servers, nextPageToken, partial } = await read(channel, 'ListServers', request, options);
      return { servers: servers.map(readChatServer), nextPageToken: nextPageToken || undefined, partial };
    },

    getStats: (options) => read(channel, 'GetStats', {}, options),

    async listAudit({ since, identity, action, userId, outcome, ...page }, options) {
      const request = {
        since: toTimestamp(since?.getTime()),
        identity: identity ?? '',
        action: action ?? '',
        userId: userId ?? '',
        outcome: auditOutcomes.toWire(outcome) as WireAuditOutcome,
        ...toPageRequest(page),
      };
      const response = await read(channel, 'ListAudit', request, options);
      const { records, nextPageToken } = response;
      return { records: records.map(readAuditRecord), nextPageToken: nextPageToken || undefined };
    },
  };
}

/** The error for a daemon that listed all sessions, because it does not know the filters. */
function cannotSearch(): ImstateError {
  const message = 'the daemon is of an earlier version and cannot search for sessions: update it';
  return new ImstateError('UNIMPLEMENTED', message);
}

/** Calls a method that may be repeated. */
function read<Method extends keyof Reads>(
  channel: Channel,
  method: Method,
  request: Reads[Method][0],
  options: CallOptions | undefined,
): Promise<Reads[Method][1]> {
  const stub: ReadStub = channel.presenceService;
  return channel.callPresence<Reads[Method][1]>(
    (grpcOptions, done) => stub[method](request, grpcOptions, done),
    options,
    true,
  );
}

function toPageRequest({ pageSize, pageToken }: PageRequest) {
  return { pageSize: pageSize ?? 0, pageToken: pageToken ?? '' };
}
