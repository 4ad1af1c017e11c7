// The assumptions of the capacity plan. Change them to plan for other traffic.
import { DEVICES_PER_SERVER } from '../messages.ts';

/** Each assumption with its value and its description. */
export const ASSUMPTIONS = {
  devices: { value: 100e6, text: 'devices online at the same time, one per user' },
  logins: { value: 10, text: 'logins per device and day, and as many logouts: a phone that comes and goes' },
  lookups: { value: 200, text: 'users looked up per device and day: recipients and contact lists' },
  watchersPerChange: { value: 2, text: 'watches that receive a change, on average' },
  peakFactor: { value: 3, text: 'busiest hour relative to the average hour' },
  devicesPerServer: { value: DEVICES_PER_SERVER, text: 'devices per chat server' },
  keepAliveSeconds: { value: 10 / 3, text: 'seconds between keep-alives of a chat server, lease of 10 s' },
  shards: { value: 256, text: 'shards, several per master' },
  historyLimit: { value: 100, text: 'ended sessions kept per user: --history-limit' },
  maxUtilization: { value: 0.5, text: 'utilization of a core at the peak; a master uses one core' },
  masterGB: { value: 16, text: 'GB of memory used per master' },
};

/** The value of an assumption. */
export function assumed(name: keyof typeof ASSUMPTIONS): number {
  return ASSUMPTIONS[name].value;
}
