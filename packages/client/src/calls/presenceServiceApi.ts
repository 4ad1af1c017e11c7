import { BatchingClient } from '../batching/BatchingClient.js';
import type { Channel } from '../connection/channel.js';
import type { DrainServerResponse__Output } from '../generated/imstate/v1/DrainServerResponse.js';
import type { EvictRequest as WireEvictRequest } from '../generated/imstate/v1/EvictRequest.js';
import type { EvictResponse__Output } from '../generated/imstate/v1/EvictResponse.js';
import type { OfflineResponse__Output } from '../generated/imstate/v1/OfflineResponse.js';
import type { OnlineResponse__Output } from '../generated/imstate/v1/OnlineResponse.js';
import { ImstateError } from '../shared/errors.js';
import { optionalDuration } from '../wire/duration.js';
import { fromTimestamp } from '../wire/timestamp.js';
import { rejectNotFound } from './callErrors.js';
import { listingApi } from './listingApi.js';
import type { EvictRequest } from './listings.js';
import { readOnlineResult, toOnlineRequest } from './online.js';
import { policyApi } from './policyApi.js';
import type { PresenceApi } from './presenceApi.js';
import { readEnded } from './readDevice.js';
import { relayApi } from './relayApi.js';
import { Router } from './router.js';
import { upgradeApi } from './upgradeApi.js';
import { userDataApi } from './userDataApi.js';
import { UserReader } from './userReader.js';

/** The calls of imstate.v1.PresenceService. */
export function presenceServiceApi(channel: Channel): PresenceApi {
  const { presenceService } = channel;
  const batching = new BatchingClient(channel);
  const users = new UserReader(channel, batching);
  const router = new Router(channel);
  return {
    async online(request, options) {
      checkSession(request.sessionId);
      const { online } = await batching.submit({ online: toOnlineRequest(request) }, options);
      return readOnlineResult(request, online as OnlineResponse__Output);
    },

    async offline({ userId, deviceId, sessionId, graceMs }, options) {
      checkSession(sessionId);
      const grace = optionalDuration(graceMs);
      const { offline } = await batching.submit(
        { offline: { userId, deviceId, sessionId: sessionId ?? '', grace } },
        options,
      );
      return { applied: (offline as OfflineResponse__Output).applied };
    },

    async heartbeat(sessions, options) {
      if (sessions.length === 0)
        throw new ImstateError('INVALID_ARGUMENT', 'sessions must be 1 or more', { field: 'sessions' });
      const results = await Promise.all(
        sessions.map((heartbeat) => batching.submit({ heartbeat }, options, true)),
      );
      return { ended: results.flatMap(({ heartbeat }) => (heartbeat?.ended ?? []).map(readEnded)) };
    },

    getUser: (request, options) => users.one(request, options),
    getUsers: (userIds, options) => users.several(userIds, options),
    route: (userIds, options) => router.route(userIds, options),

    ...listingApi(channel),
    ...policyApi(channel),
    ...relayApi(channel),
    ...upgradeApi(channel),
    ...userDataApi(channel),

    async evict(request, options) {
      const { evicted, more, reasonStored } = await channel
        .callPresence<EvictResponse__Output>(
          (grpcOptions, done) => presenceService.Evict(toEvictRequest(request), grpcOptions, done),
          options,
        )
        .catch((error) => rejectOlder(request, error));
      return { evicted, more, reasonStored: request.reasonText ? reasonStored : undefined };
    },

    async drainServer({ serverAddr, overMs, graceMs, cancel = false }, options) {
      const request = {
        serverAddr,
        over: optionalDuration(overMs),
        grace: optionalDuration(graceMs),
        cancel,
      };
      const { sessions, deadline, partial } = await channel
        .callPresence<DrainServerResponse__Output>(
          (grpcOptions, done) => presenceService.DrainServer(request, grpcOptions, done),
          options,
        )
        .catch(rejectNotFound('server_addr'));
      return { sessions, deadline: fromTimestamp(deadline), partial };
    },

    async checkEvict(options) {
      try {
        // Without a target: the daemon checks the permission before it reads the request.
        await channel.call<EvictResponse__Output>(
          (grpcOptions, done) => presenceService.Evict({}, grpcOptions, done),
          options,
          true,
        );
      } catch (error) {
        if (!(error instanceof ImstateError) || error.code !== 'INVALID_ARGUMENT') throw error;
      }
    },
  };
}

function toEvictRequest({ reasonText = '', ...target }: EvictRequest): WireEvictRequest {
  return { ...target, reasonText };
}

/** A daemon that does not know the target `device` sees no target; version 0.1.0 names no field of an error. */
function rejectOlder(request: EvictRequest, error: unknown): never {
  if (!('device' in request) || !(error instanceof ImstateError)) throw error;
  if (error.code !== 'INVALID_ARGUMENT' || (error.field ?? 'target') !== 'target') throw error;
  const message = 'the daemon cannot evict a device: it is older than 0.2.0; name the session';
  throw new ImstateError('UNIMPLEMENTED', message, { cause: error });
}

/**
 * On the wire an empty session ID is one that was left out: a logout could end another session than intended.
 */
function checkSession(sessionId: string | undefined): void {
  if (sessionId !== '') return;
  throw new ImstateError(
    'INVALID_ARGUMENT',
    'the session id must not be empty: leave it out, or name the session',
    { field: 'session_id' },
  );
}
