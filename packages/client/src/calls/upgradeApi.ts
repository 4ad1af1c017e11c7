import type { Channel } from '../connection/channel.js';
import type { FinishUpgradeResponse__Output } from '../generated/imstate/v1/FinishUpgradeResponse.js';
import type { GetFeatureLevelResponse__Output } from '../generated/imstate/v1/GetFeatureLevelResponse.js';
import type { PresenceApi } from './presenceApi.js';

/** The calls of imstate.v1.PresenceService for an upgrade. */
export function upgradeApi(channel: Channel): Pick<PresenceApi, 'getFeatureLevel' | 'finishUpgrade'> {
  const { presenceService } = channel;
  return {
    async getFeatureLevel(options) {
      const { featureLevel, minSupported, maxSupported } =
        await channel.callPresence<GetFeatureLevelResponse__Output>(
          (grpcOptions, done) => presenceService.GetFeatureLevel({}, grpcOptions, done),
          options,
          true,
        );
      return { featureLevel, minSupported, maxSupported };
    },

    async finishUpgrade({ featureLevel = 0, validateOnly = false }, options) {
      const answer = await channel.callPresence<FinishUpgradeResponse__Output>(
        (grpcOptions, done) =>
          presenceService.FinishUpgrade({ featureLevel, validateOnly }, grpcOptions, done),
        options,
        // Each call is an act of the audit trail.
        validateOnly,
      );
      return { previousLevel: answer.previousLevel, featureLevel: answer.featureLevel };
    },
  };
}
