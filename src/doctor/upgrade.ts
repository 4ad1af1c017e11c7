import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';

/** How far the feature level of a store can be raised, as far as its registered daemons show. */
export interface UpgradeState {
  /** The highest feature level that any of the daemons supports; undefined if none publishes its levels. */
  newest: number | undefined;
  /** The daemons that support that level. */
  upgraded: string[];
  /** The daemons that would reject all calls at that level, or may: why it must not be raised yet. */
  inTheWay: { addr: string; reason: string }[];
}

/** Compares the daemons of a store. Legacy servers do not use it. */
export function upgradeState(endpoints: readonly EndpointHealth[]): UpgradeState {
  const daemons = endpoints.filter(({ health }) => health !== 'UNKNOWN');
  const levels = daemons.flatMap(({ featureLevels }) => featureLevels?.max ?? []);
  const newest = levels.length === 0 ? undefined : Math.max(...levels);
  const isUpgraded = ({ featureLevels }: EndpointHealth) =>
    featureLevels !== undefined && featureLevels.max === newest;
  return {
    newest,
    upgraded: daemons.filter(isUpgraded).map(({ addr }) => addr),
    inTheWay: daemons
      .filter((daemon) => !isUpgraded(daemon))
      .map((daemon) => ({ addr: daemon.addr, reason: reasonOf(daemon) })),
  };
}

function reasonOf({ health, version, featureLevels }: EndpointHealth): string {
  if (health === 'UNREACHABLE') return 'does not answer';
  const name = version === undefined ? 'is an older version' : `is imstate ${version}`;
  return `${name}, which supports feature levels up to ${featureLevels?.max ?? 1}`;
}

/** The daemons in the way of a feature level, for a message. */
export function describeInTheWay({ inTheWay }: UpgradeState): string {
  return inTheWay.map(({ addr, reason }) => `${addr} ${reason}`).join('; ');
}
