import type { ConnectOptions } from 'imstate-client';
import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { describeInTheWay, type UpgradeState, upgradeState } from '../../doctor/upgrade.js';

/** The registered daemons, and how far they let the feature level of their store be raised. */
export interface Upgrade extends UpgradeState {
  endpoints: EndpointHealth[];
}

/** Asks every registered daemon. Rejects with STORE_MISMATCH if they have more than one store. */
export async function readUpgrade(options: ConnectOptions): Promise<Upgrade> {
  const { listEndpoints } = await import('imstate-client/internal/connection/endpoints');
  const { endpoints } = await listEndpoints(options);
  const stores = new Set(endpoints.flatMap(({ storeId }) => storeId ?? []));
  if (stores.size > 1) {
    throw new ImstateError(
      'STORE_MISMATCH',
      `the daemons use ${stores.size} different stores: name all daemons of one with --endpoint`,
    );
  }
  return { endpoints, ...upgradeState(endpoints) };
}

/** Throws UPGRADE_INCOMPLETE if daemons are in the way of the newest feature level. */
export function checkComplete(upgrade: Upgrade): void {
  if (upgrade.inTheWay.length === 0) return;
  throw new ImstateError(
    'UPGRADE_INCOMPLETE',
    `the upgrade cannot be finished (${describeInTheWay(upgrade)}): ` +
      'upgrade or stop these daemons, or add --force to shut them out',
  );
}
