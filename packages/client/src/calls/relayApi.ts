import type { Channel } from '../connection/channel.js';
import type { ClaimRelayResponse__Output } from '../generated/imstate/v1/ClaimRelayResponse.js';
import type { CommitRelayResponse__Output } from '../generated/imstate/v1/CommitRelayResponse.js';
import type { DeleteRelayResponse__Output } from '../generated/imstate/v1/DeleteRelayResponse.js';
import type { ListRelaysResponse__Output } from '../generated/imstate/v1/ListRelaysResponse.js';
import type { PauseRelayResponse__Output } from '../generated/imstate/v1/PauseRelayResponse.js';
import type { Relay__Output } from '../generated/imstate/v1/Relay.js';
import type { ReplayRelayResponse__Output } from '../generated/imstate/v1/ReplayRelayResponse.js';
import { ImstateError } from '../shared/errors.js';
import { fromDuration } from '../wire/duration.js';
import { relayStates } from '../wire/enums.js';
import { fromTimestamp, toTimestamp } from '../wire/timestamp.js';
import { rejectNotFound } from './callErrors.js';
import type { CallOptions } from './messages.js';
import type { PresenceApi } from './presenceApi.js';
import type { Relay } from './relays.js';

/** The calls of imstate.v1.PresenceService for relays. */
export function relayApi(
  channel: Channel,
): Pick<
  PresenceApi,
  'claimRelay' | 'commitRelay' | 'listRelays' | 'pauseRelay' | 'resumeRelay' | 'replayRelay' | 'deleteRelay'
> {
  const { presenceService } = channel;

  async function setPaused(
    request: { name: string; resume: boolean },
    options: CallOptions | undefined,
  ): Promise<Relay> {
    const { relay } = await channel
      .callPresence<PauseRelayResponse__Output>(
        (grpcOptions, done) => presenceService.PauseRelay(request, grpcOptions, done),
        options,
      )
      .catch(rejectNotFound('name'));
    return readRelay(relay);
  }

  return {
    async claimRelay({ knownRevision = '', ...claim }, options) {
      const { claimed, relay, fence, timeToLive, storeId } =
        await channel.callPresence<ClaimRelayResponse__Output>(
          (grpcOptions, done) => presenceService.ClaimRelay({ ...claim, knownRevision }, grpcOptions, done),
          options,
        );
      return { claimed, relay: readRelay(relay), fence, ttlMs: fromDuration(timeToLive) ?? 0, storeId };
    },

    async commitRelay(progress, options) {
      const request = {
        name: progress.name,
        holderId: progress.holderId,
        fence: progress.fence,
        revision: progress.revision ?? '',
        deliveredTime: toTimestamp(progress.deliveredTime?.getTime()),
        delivered: progress.delivered ?? 0,
        failed: progress.failed ?? 0,
        snapshots: progress.snapshots ?? 0,
        lastError: progress.lastError ?? '',
        pause: progress.pause ?? false,
        release: progress.release ?? false,
      };
      const { relay } = await channel
        .callPresence<CommitRelayResponse__Output>(
          (grpcOptions, done) => presenceService.CommitRelay(request, grpcOptions, done),
          options,
        )
        .catch(rejectNotFound('name'));
      return readRelay(relay);
    },

    async listRelays(options) {
      const { relays } = await channel.callPresence<ListRelaysResponse__Output>(
        (grpcOptions, done) => presenceService.ListRelays({}, grpcOptions, done),
        options,
        true,
      );
      return relays.map(readRelay);
    },

    pauseRelay: (name, options) => setPaused({ name, resume: false }, options),

    resumeRelay: (name, options) => setPaused({ name, resume: true }, options),

    async replayRelay(name, from, options) {
      const request = { name, from: toTimestamp(from.getTime()) };
      const { relay } = await channel
        .callPresence<ReplayRelayResponse__Output>(
          (grpcOptions, done) => presenceService.ReplayRelay(request, grpcOptions, done),
          options,
        )
        .catch(rejectNotFound('name'));
      return readRelay(relay);
    },

    async deleteRelay(name, options) {
      await channel
        .callPresence<DeleteRelayResponse__Output>(
          (grpcOptions, done) => presenceService.DeleteRelay({ name }, grpcOptions, done),
          options,
        )
        .catch(rejectNotFound('name'));
    },
  };
}

/** A relay as a daemon sent it. */
export function readRelay(relay: Relay__Output | null): Relay {
  if (relay === null) throw new ImstateError('INTERNAL', 'the daemon answered without a relay');
  const { name, target, revision, delivered, failed, snapshots, isBehindLog } = relay;
  return {
    name,
    target,
    state: relayStates.fromWire(relay.state) ?? 'UNKNOWN',
    holder: relay.holder || undefined,
    revision,
    deliveredTime: fromTimestamp(relay.deliveredTime),
    delivered,
    failed,
    snapshots,
    lastError: relay.lastError || undefined,
    lagChanges: relay.lag ? relay.lagChanges : undefined,
    lagMs: fromDuration(relay.lag),
    isBehindLog,
    createTime: fromTimestamp(relay.createTime),
  };
}
