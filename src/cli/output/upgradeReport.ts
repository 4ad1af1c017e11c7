import type { FeatureLevel } from 'imstate-client';
import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';
import { describeInTheWay } from '../../doctor/upgrade.js';
import type { Upgrade } from '../input/upgrade.js';
import { renderTable } from './style.js';

/** The JSON of `upgrade status`. */
export function upgradeJson({ featureLevel }: FeatureLevel, { newest, endpoints, inTheWay }: Upgrade) {
  return {
    featureLevel,
    newest: newest ?? null,
    daemons: endpoints.map(({ addr, health, version, featureLevels }) => ({
      addr,
      health,
      version: version ?? null,
      featureLevels: featureLevels ?? null,
    })),
    inTheWay,
  };
}

/** The same as human-readable text, with what to do next. */
export function upgradeText(level: FeatureLevel, upgrade: Upgrade): string {
  const head = [['Address'], ['Health'], ['Version'], ['Feature levels']];
  const table = renderTable(head, upgrade.endpoints.map(toRow));
  return `feature level ${level.featureLevel}\n\n${table}\n\n${nextStep(level, upgrade)}`;
}

function toRow({ addr, health, version, featureLevels }: EndpointHealth): string[][] {
  const levels = featureLevels && `${featureLevels.min} to ${featureLevels.max}`;
  return [[addr], [health], [version ?? ''], [levels ?? '']];
}

function nextStep({ featureLevel }: FeatureLevel, upgrade: Upgrade): string {
  const { newest = 0, inTheWay } = upgrade;
  if (featureLevel >= newest) return 'nothing to do: this is the newest level that the daemons support';
  if (inTheWay.length === 0) return `run imstate upgrade finish to raise it to ${newest}`;
  return `upgrade or stop these daemons before you raise it to ${newest}: ${describeInTheWay(upgrade)}`;
}
