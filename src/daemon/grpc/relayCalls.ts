import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { toDuration } from 'imstate-client/internal/wire/duration';
import { fromTimestamp } from 'imstate-client/internal/wire/timestamp';
import { RELAY_CLAIM_MS } from '../../presence/relays.js';
import { broken } from '../../presence/validate.js';
import { permitOf } from '../auth/guardedCall.js';
import { readClaim, readProgress, toRelay } from '../messages/relayMessages.js';
import type { Relays } from '../relays.js';
import type { Calls } from './calls.js';
import type { UnaryCall } from './unaryMethod.js';

/** The calls for relays. */
export function relayCalls(
  relays: Relays,
  calls: Calls,
): Pick<
  PresenceServiceHandlers,
  'ClaimRelay' | 'CommitRelay' | 'ListRelays' | 'PauseRelay' | 'ReplayRelay' | 'DeleteRelay'
> {
  return {
    ClaimRelay: calls.handler(async (request, call) => {
      checkUnbound(call);
      const { relay, nowMs, isClaimed } = await relays.claim(readClaim(request));
      return {
        claimed: isClaimed,
        relay: toRelay(relay, nowMs),
        fence: isClaimed ? relay.fence : 0,
        timeToLive: toDuration(RELAY_CLAIM_MS),
        storeId: relays.storeId,
      };
    }),

    CommitRelay: calls.handler(async (request, call) => {
      checkUnbound(call);
      const { relay, nowMs } = await relays.commit(readProgress(request));
      return { relay: toRelay(relay, nowMs) };
    }),

    ListRelays: calls.handler(async () => ({
      relays: (await relays.list()).map(({ relay, nowMs, lag }) => toRelay(relay, nowMs, lag)),
    })),

    PauseRelay: calls.handler(async ({ name, resume }) => {
      const { relay, nowMs } = await relays.pause(name, !resume);
      return { relay: toRelay(relay, nowMs) };
    }),

    ReplayRelay: calls.handler(async ({ name, from }) => {
      const fromMs = fromTimestamp(from)?.getTime();
      if (fromMs === undefined) throw broken('from', 'must be given: a time');
      const { relay, nowMs } = await relays.replay(name, fromMs);
      return { relay: toRelay(relay, nowMs) };
    }),

    DeleteRelay: calls.handler(async ({ name }) => {
      await relays.delete(name);
      return {};
    }),
  };
}

/** A relay delivers everything, which is more than a chat server may do. */
function checkUnbound(call: UnaryCall): void {
  const caller = permitOf(call.metadata)?.caller;
  if (caller?.serverAddrs === undefined) return;
  const message = `${caller.name} is bound to chat servers, and a relay needs a writer that is not: use another credential`;
  throw new ImstateError('PERMISSION_DENIED', message);
}
