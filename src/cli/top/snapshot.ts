import type { ChatServer, Stats } from 'imstate-client';
import { chatServerJson, faultJson } from 'imstate-client/internal/json';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { DaemonHealth } from './Daemons.js';
import type { Rates } from './Meter.js';

/** How things stand, as `imstate top` shows it. */
export interface Snapshot {
  time: Date;
  /** Undefined for daemons that --endpoint names. */
  service: string | undefined;
  /** Where the daemons are known from. */
  registry: string;
  /** Undefined while no daemon has answered. */
  stats: Stats | undefined;
  /** Devices online, the oldest first: one for each interval that was answered. */
  online: readonly number[];
  /** Undefined while changes are not told. */
  rates: Rates | undefined;
  /** By address. */
  daemons: DaemonHealth[];
  /** Those with the most sessions first; at most 1,000, see `hasMoreServers`. */
  servers: ChatServer[];
  hasMoreServers: boolean;
  /** What is wrong now. */
  faults: ImstateError[];
}

/** How things stand, as --json prints it. */
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
