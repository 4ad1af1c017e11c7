import type { ChatServer, Stats } from 'imstate-client';
import { chatServerJson, faultJson } from 'imstate-client/internal/json';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { DaemonHealth } from './Daemons.js';
import type { Rates } from './Meter.js';

/** A snapshot as `imstate top` shows it. */
export interface Snapshot {
  time: Date;
  /** Undefined if --endpoint names the daemons. */
  service: string | undefined;
  /** The source of the endpoints. */
  registry: string;
  /** Undefined until a daemon has answered. */
  stats: Stats | undefined;
  /** Online devices per answered interval, oldest first. */
  online: readonly number[];
  /** Undefined while changes are not delivered. */
  rates: Rates | undefined;
  /** By address. */
  daemons: DaemonHealth[];
  /** Sorted by sessions, most first; at most 1,000, see `hasMoreServers`. */
  servers: ChatServer[];
  hasMoreServers: boolean;
  /** The current problems. */
  faults: ImstateError[];
}

/** The JSON of `top`. */
export function snapshotJson({ time, service, stats, rates, daemons, servers, faults }: Snapshot): object {
  return {
    time: time.toISOString(),
    service: service ?? null,
    usersOnline: stats?.usersOnline ?? null,
    devicesOnline: stats?.devicesOnline ?? null,
    devicesByPlatform: stats?.devicesByPlatform ?? null,
    loginsPerSecond: rates?.logins ?? null,
    endsPerSecond: rates?.ends ?? null,
    endsByReason: rates?.endsByReason ?? null,
    endpoints: daemons.map(({ addr, health, latencyMs }) => ({ addr, health, latencyMs: latencyMs ?? null })),
    servers: servers.map(chatServerJson),
    faults: faults.map(faultJson),
  };
}
