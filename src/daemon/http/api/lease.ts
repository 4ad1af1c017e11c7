import { optionalDuration } from 'imstate-client/internal/wire/duration';
import { type DrainProgress, drainPace } from '../../../presence/servers.js';
import { readKeepAlive } from '../../messages/requests.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

const KEYS = ['incarnation', 'ttlMs', 'resynced'];

/** PUT /api/v1/servers/{serverAddr}/lease: keeps the lease of a chat server alive. */
export function leaseCall({ presence, load }: ApiParts): ApiCall {
  return {
    method: 'PUT',
    name: 'servers/{serverAddr}/lease',
    role: 'writer',
    parameters: [],
    async answer(_, { segments, body, checkServer }) {
      const { serverAddr = '' } = segments;
      const keys = JsonBody.parse(await body(), KEYS, '{"incarnation":1796000000000,"ttlMs":10000}');
      const keepAlive = readKeepAlive(
        {
          serverAddr,
          incarnation: keys.integer('incarnation') ?? 0,
          timeToLive: optionalDuration(keys.integer('ttlMs')),
          resynced: keys.text('resynced'),
        },
        '',
      );
      checkServer({ field: 'serverAddr', addr: serverAddr });
      const { incarnation, ttlMs } = keepAlive;
      const { resyncToken, drain, isPartial } = await load.run(1, true, () =>
        presence.keepServerAlive(keepAlive),
      );
      const resync = resyncToken !== '';
      return {
        serverAddr,
        incarnation,
        ttlMs,
        resync,
        resyncToken: resyncToken || null,
        partial: isPartial,
        drain: drain ? drainJson(drain) : null,
      };
    },
  };
}

function drainJson(progress: DrainProgress) {
  const { remainingMs } = progress;
  return { remainingMs, sessionsPerSecond: drainPace(progress) };
}
