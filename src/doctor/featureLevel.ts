import { connect } from 'imstate-client/internal/connect';
import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';
import { type Finding, ok, skipped, warning } from './check.js';
import type { DoctorOptions } from './options.js';
import { describeInTheWay, upgradeState } from './upgrade.js';

/** Whether an upgrade is to be finished: the feature level of the store is lower than the daemons support. */
export async function judgeFeatureLevel(
  answers: readonly EndpointHealth[],
  options: DoctorOptions,
): Promise<Finding> {
  const state = upgradeState(answers);
  const { newest, upgraded, inTheWay } = state;
  if (newest === undefined) return skipped('no daemon publishes the feature levels that it supports');
  const level = await readLevel(upgraded, options);
  const message = `the store has feature level ${level}`;
  if (level >= newest) return ok(`${message}, the newest that the daemons support`);
  if (inTheWay.length === 0)
    return warning(`${message}, and all daemons support ${newest}: run imstate upgrade finish`);
  return warning(
    `${message}, and not all daemons support ${newest} (${describeInTheWay(state)}): ` +
      'upgrade or stop these, then run imstate upgrade finish',
  );
}

/** Asks one of the daemons. */
async function readLevel(endpoints: string[], options: DoctorOptions): Promise<number> {
  const client = await connect({ ...options, endpoints, log: undefined });
  try {
    return (await client.getFeatureLevel()).featureLevel;
  } finally {
    await client.close();
  }
}
