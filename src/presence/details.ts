import type { LoginDetails } from 'imstate-client/internal/shared/session';
import ipaddr from 'ipaddr.js';

/** What the history keeps of the IP address of a client: nothing, its network, or all of it. */
export type HistoryIp = 'off' | 'prefix' | 'full';

/** How many bytes of an address name its network: /24 and /48. */
export const NETWORK_BYTES = { IPV4: 3, IPV6: 6 } as const;

/** The details of a login that has none. Shared, because most have none. */
export const NO_DETAILS: LoginDetails = { clientIp: '', label: '', appVersion: '' };

/** Whether any detail is known. */
export function hasDetails({ clientIp, label, appVersion }: LoginDetails): boolean {
  return clientIp !== '' || label !== '' || appVersion !== '';
}

/** The details as the history keeps them. Same rule: kept_fields in src/store/redis/scripts/history.lua. */
export function keptDetails(details: LoginDetails, historyIp: HistoryIp): LoginDetails {
  if (details.clientIp === '' || historyIp === 'full') return details;
  return { ...details, clientIp: historyIp === 'off' ? '' : networkOf(addressBytes(details.clientIp)) };
}

/** The bytes of an IP address: 4 or 16. */
export function addressBytes(address: string): number[] {
  return ipaddr.process(address).toByteArray();
}

/** The address of these bytes: `203.0.113.7` or `2001:db8:1::7`. */
export function addressOf(bytes: number[]): string {
  return ipaddr.fromByteArray(bytes).toString();
}

/** The network of an address: `203.0.113.0/24` or `2001:db8:1::/48`. */
export function networkOf(bytes: number[]): string {
  const kept = bytes.length <= 4 ? NETWORK_BYTES.IPV4 : NETWORK_BYTES.IPV6;
  const length = bytes.length <= 4 ? 4 : 16;
  const address = Array.from({ length }, (_, i) => (i < kept ? (bytes[i] ?? 0) : 0));
  return `${addressOf(address)}/${8 * kept}`;
}
