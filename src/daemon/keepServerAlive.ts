import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { KeepAlive, KeepAliveResult } from '../presence/servers.js';
import type { Presence } from './presence.js';

/** Keeps the lease of a chat server alive. Throws SUPERSEDED if it belongs to a greater incarnation. */
export async function keepServerAlive(presence: Presence, keepAlive: KeepAlive): Promise<KeepAliveResult> {
  const result = await presence.keepServerAlive(keepAlive);
  if (result.incarnation <= keepAlive.incarnation) return result;
  throw new ImstateError(
    'SUPERSEDED',
    `incarnation ${result.incarnation} of chat server ${keepAlive.serverAddr} supersedes ${keepAlive.incarnation}, ` +
      'whose sessions have ended: stop, or use a greater incarnation',
  );
}
