import type { RouteResponse__Output } from 'imstate-client/internal/generated/imstate/v1/RouteResponse';
import { LIMITS } from '../../presence/limits.js';
import type { RoutedSession, Routes } from '../../presence/routes.js';
import { inByteOrder } from '../../store/byteOrder.js';
import { atMost, exactly, type Measure, tooLarge } from './answerSize.js';

/** A session, a user id or a chat server on the wire beside its texts: tags and lengths. */
const ENTRY_BYTES = 20;
const MAX_ENTRY_BYTES = ENTRY_BYTES + 3 * LIMITS.id.max + LIMITS.platform.max;

/** The response to Route. Throws RESOURCE_EXHAUSTED if it would be too large. */
export function toRouteResponse(routes: Routes): RouteResponse__Output {
  if (!fits(routes)) throw tooLarge();
  const { byServer, offline, unavailable } = routes;
  return {
    servers: [...byServer]
      .sort(([a], [b]) => inByteOrder(a, b))
      .map(([serverAddr, sessions]) => ({
        serverAddr,
        sessions: sessions.map(toRoutedSession),
        draining: sessions.some(
          ({ session }) => session.graceEndMs === 0 && session.lease?.state === 'DRAINING',
        ),
      })),
    offlineUserIds: [...offline],
    unavailableUserIds: [...unavailable],
  };
}

function toRoutedSession({ userId, session }: RoutedSession) {
  const { deviceId, sessionId, platform, graceEndMs } = session;
  return { userId, deviceId, sessionId, platform, inGrace: graceEndMs > 0 };
}

/** The usual response is small by its counts, and is not measured. */
function fits({ byServer, offline, unavailable }: Routes): boolean {
  let entries = byServer.size + offline.length + unavailable.length;
  for (const sessions of byServer.values()) entries += sessions.length;
  if (entries * MAX_ENTRY_BYTES <= LIMITS.answerBytes.max) return true;
  return [atMost, exactly].some(
    (measure) => sizeOf({ byServer, offline, unavailable }, measure) <= LIMITS.answerBytes.max,
  );
}

function sizeOf({ byServer, offline, unavailable }: Routes, measure: Measure): number {
  let bytes = 0;
  for (const userId of [...offline, ...unavailable]) bytes += ENTRY_BYTES + measure(userId);
  for (const [serverAddr, sessions] of byServer) {
    bytes += ENTRY_BYTES + measure(serverAddr);
    for (const { userId, session } of sessions) {
      const { deviceId, sessionId, platform } = session;
      bytes += ENTRY_BYTES + measure(userId) + measure(deviceId) + measure(sessionId) + measure(platform);
    }
  }
  return bytes;
}
