// A capacity plan: how many daemons and masters the assumed traffic needs, by the measured unit costs.
import { assumed } from './assumptions.ts';
import type { UnitCosts } from './unitCosts.ts';

const SECONDS_PER_DAY = 86_400;
const MICRO = 1e-6;

/** Operations per second at the peak. */
export interface Traffic {
  changes: number;
  lookups: number;
  deliveries: number;
  keepAlives: number;
}

/** What the traffic needs. Loads are in CPU cores, memory is in GB. */
export interface Plan {
  callDaemons: number;
  /** Undefined if one core cannot read all changes. */
  watchDaemons: number | undefined;
  callLoad: number;
  deliveryLoad: number;
  /** Of each daemon with watches. */
  readLoad: number;
  masterLoads: Record<'changes' | 'lookups' | 'keepAlives' | 'sweeps' | 'reads', number>;
  masterLoad: number;
  replicaLoad: number;
  mastersByCpu: number;
  mastersByMemory: number;
  sessionsGB: number;
  historyGB: number;
  totalLoad: number;
}

/** The traffic of the assumptions. */
export function trafficOf(): Traffic {
  const devices = assumed('devices');
  const perSecond = (perDay: number) => (devices * perDay * assumed('peakFactor')) / SECONDS_PER_DAY;
  const changes = perSecond(2 * assumed('logins'));
  return {
    changes,
    lookups: perSecond(assumed('lookups')),
    deliveries: changes * assumed('watchersPerChange'),
    keepAlives: devices / assumed('devicesPerServer') / assumed('keepAliveSeconds'),
  };
}

/** The plan for the traffic. */
export function planOf(traffic: Traffic, costs: UnitCosts): Plan {
  const daemons = planDaemons(traffic, costs);
  const masters = planMasters(traffic, costs, daemons);
  const replicaLoad = traffic.changes * costs.redis.replica * MICRO;
  const { callDaemons, watchDaemons = 0, callLoad, deliveryLoad, readLoad, idleLoad } = daemons;
  const watchLoad = deliveryLoad + watchDaemons * readLoad;
  const allIdle = (callDaemons + (watchDaemons || 1)) * idleLoad;
  const totalLoad = callLoad + watchLoad + allIdle + masters.masterLoad + replicaLoad;
  return { ...daemons, ...masters, replicaLoad, totalLoad };
}

type Daemons = Pick<Plan, 'callDaemons' | 'watchDaemons' | 'callLoad' | 'deliveryLoad' | 'readLoad'> & {
  idleLoad: number;
};

function planDaemons(traffic: Traffic, { daemon }: UnitCosts): Daemons {
  const { changes, lookups, keepAlives, deliveries } = traffic;
  const idleLoad = daemon.idleSecond * MICRO;
  const callCost = changes * daemon.change + lookups * daemon.lookup + keepAlives * daemon.keepAlive;
  const callLoad = callCost * MICRO;
  const deliveryLoad = deliveries * daemon.delivery * MICRO;
  const readLoad = changes * daemon.readChange * MICRO;
  const available = assumed('maxUtilization') - idleLoad;
  const forDeliveries = available - readLoad;
  return {
    callDaemons: Math.ceil(callLoad / available),
    watchDaemons: forDeliveries > 0 ? Math.ceil(deliveryLoad / forDeliveries) : undefined,
    callLoad,
    deliveryLoad,
    readLoad,
    idleLoad,
  };
}

function planMasters(
  { changes, lookups, keepAlives }: Traffic,
  { redis, memory }: UnitCosts,
  { callDaemons, watchDaemons = 1 }: Daemons,
) {
  const masterLoads = {
    changes: changes * redis.change * redis.clusterFactor * MICRO,
    lookups: lookups * redis.lookup * MICRO,
    keepAlives: keepAlives * redis.keepAlive * MICRO,
    sweeps: (callDaemons + watchDaemons) * redis.idleSecond * MICRO,
    reads: watchDaemons * changes * redis.readChange * MICRO,
  };
  const masterLoad = Object.values(masterLoads).reduce((sum, load) => sum + load, 0);
  const sessionsGB = (assumed('devices') * memory.device) / 1e9;
  const historyGB = (assumed('devices') * assumed('historyLimit') * memory.historyEntry) / 1e9;
  return {
    masterLoads,
    masterLoad,
    sessionsGB,
    historyGB,
    mastersByCpu: Math.ceil(masterLoad / assumed('maxUtilization')),
    mastersByMemory: Math.ceil((sessionsGB + historyGB) / assumed('masterGB')),
  };
}
