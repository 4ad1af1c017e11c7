// What one operation costs, taken from the results of runs.
import type { Results } from '../results.ts';
import { assumed } from './assumptions.ts';

/** CPU costs in microseconds, and sizes in bytes. */
export interface UnitCosts {
  daemon: {
    change: number;
    lookup: number;
    keepAlive: number;
    idleSecond: number;
    /** Reading one change from the change log, in each daemon with watches. */
    readChange: number;
    /** Delivering one change to one watch, without reading it. */
    delivery: number;
  };
  redis: {
    change: number;
    lookup: number;
    keepAlive: number;
    idleSecond: number;
    readChange: number;
    /** Cost of a change on the masters of a cluster, relative to a single Redis. */
    clusterFactor: number;
    /** A change on a replica. */
    replica: number;
  };
  memory: { device: number; historyEntry: number; changeLogEntry: number };
  network: {
    changeRequest: number;
    changeResponse: number;
    changeRedis: number;
    changeReplica: number;
    lookupRequest: number;
    lookupResponse: number;
    lookupRedis: number;
    delivery: number;
  };
}

const CHANGES = 'changes by Apply, batches of 256';
const CLUSTER = 'cluster of 3 masters, 3 replicas, 3 daemons';
const WATCHERS = 10;

/** The unit costs of these results. Throws if one is missing. */
export function unitCosts(results: Results): UnitCosts {
  return {
    daemon: daemonCosts(results),
    redis: redisCosts(results),
    memory: {
      device: results.value('bytes', 'online device with a lease', 'bytes'),
      historyEntry: results.value('bytes', 'history entry, one of', 'bytes'),
      changeLogEntry: results.value('bytes', 'change log entry', 'bytes'),
    },
    network: networkCosts(results),
  };
}

function daemonCosts(results: Results): UnitCosts['daemon'] {
  const perShards = (kind: string) => results.value('shards', `${kind}, ${shards()}`, 'µs CPU of the daemon');
  const readChange = Math.max(0, deliveryValue(results, 'read for', 'µs CPU of the daemon/change'));
  const delivery = deliveryValue(results, `delivered to ${WATCHERS} `, 'µs CPU of the daemon/delivery');
  return {
    change: perShards('change'),
    lookup: perShards('lookup'),
    keepAlive: perShards('keep-alive'),
    idleSecond: perShards('idle second'),
    readChange,
    // The daemon reads a change once for all watchers.
    delivery: Math.max(0, delivery - readChange / WATCHERS),
  };
}

function redisCosts(results: Results): UnitCosts['redis'] {
  const perShards = (kind: string) => results.value('shards', `${kind}, ${shards()}`, 'µs CPU of Redis');
  const perSetup = (setup: string, unit: string) => results.value('daemons', `${CHANGES}, ${setup}`, unit);
  const onOneRedis = perSetup('one Redis, 3 daemons', 'µs CPU of the masters');
  return {
    change: perShards('change'),
    lookup: perShards('lookup'),
    keepAlive: perShards('keep-alive'),
    idleSecond: perShards('idle second'),
    readChange: Math.max(0, deliveryValue(results, 'read for', 'µs CPU of Redis/change')),
    clusterFactor: perSetup(CLUSTER, 'µs CPU of the masters') / onOneRedis,
    replica: perSetup(CLUSTER, 'µs CPU of the replicas'),
  };
}

function networkCosts(results: Results): UnitCosts['network'] {
  const change = (wire: string) => results.value('wire', `change, batches of 256: ${wire}`, 'bytes');
  const lookup = (wire: string) => results.value('wire', `lookup, batches of 500: ${wire}`, 'bytes');
  return {
    changeRequest: change('client to daemon'),
    changeResponse: change('daemon to client'),
    changeRedis: change('daemon to Redis') + change('Redis to daemon'),
    changeReplica: change('Redis to a replica'),
    lookupRequest: lookup('client to daemon'),
    lookupResponse: lookup('daemon to client'),
    lookupRedis: lookup('daemon to Redis') + lookup('Redis to daemon'),
    delivery: deliveryValue(results, `delivered to ${WATCHERS} `, 'bytes/delivery'),
  };
}

function deliveryValue(results: Results, start: string, unit: string): number {
  const row = results
    .rowsOf('delivery')
    .find((each) => each.row.startsWith(start) && each.row.endsWith(`, ${shards()}`) && each.unit === unit);
  if (row === undefined) throw new Error(`no result of delivery: ${start}, ${shards()} (${unit})`);
  return row.value.median;
}

function shards(): string {
  return `${assumed('shards')} shards`;
}
