import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { broken } from '../../presence/validate.js';
import { FEATURE_LEVELS } from '../../store/featureLevel.js';
import type { Presence } from '../presence.js';
import type { Calls } from './calls.js';

/** The calls of an upgrade: the feature level of the store, and its raise. */
export function upgradeCalls(
  presence: Presence,
  calls: Calls,
): Pick<PresenceServiceHandlers, 'GetFeatureLevel' | 'FinishUpgrade'> {
  return {
    GetFeatureLevel: calls.handler(async () => ({
      featureLevel: await presence.featureLevel(),
      minSupported: FEATURE_LEVELS.min,
      maxSupported: FEATURE_LEVELS.max,
    })),

    FinishUpgrade: calls.handler(async ({ featureLevel, validateOnly }) => {
      const wanted = readLevel(featureLevel);
      const previousLevel = validateOnly
        ? await presence.featureLevel()
        : await presence.raiseFeatureLevel(wanted);
      return { previousLevel, featureLevel: Math.max(previousLevel, wanted) };
    }),
  };
}

/** The feature level of a request; 0 is the newest that this version supports. */
function readLevel(level: number): number {
  const { min, max } = FEATURE_LEVELS;
  if (level === 0) return max;
  if (level >= min && level <= max) return level;
  throw broken('feature_level', `must be ${min} to ${max}, which this daemon supports; this one is ${level}`);
}
