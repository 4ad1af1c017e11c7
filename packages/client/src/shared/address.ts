import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** A host and port. An IPv6 host has no brackets. */
export interface HostPort {
  host: string;
  port: number;
}

/** Reads "host:port" or "[ipv6]:port"; undefined if the text is neither. Ports go from 1 to 65535. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/[\]@]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: (match[1] ?? match[2]) as string, port };
}

/** True for "host:port" or "[ipv6]:port". */
export function isHostPort(text: string): boolean {
  return parseHostPort(text) !== undefined;
}

/** "host:port", with brackets around an IPv6 host. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * "[ipv6]:port" for "ipv6:port", which a server registers that joins any host and port with a colon. Any
 * other text is returned unchanged.
 */
export function withBrackets(addr: string): string {
  const at = addr.lastIndexOf(':');
  const host = addr.slice(0, at);
  return isIPv6(host) ? `[${host}]${addr.slice(at)}` : addr;
}

/** True for the IP addresses that stand for all interfaces, which nobody can dial. */
export function isWildcard(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * True for hosts that always are this machine: a literal loopback address (also IPv4 in IPv6), or exactly
 * `localhost`. Any other name can resolve to another machine, even "127.evil.example" and "localhost."; so
 * can short or octal forms such as "127.1", which not every resolver reads as IP addresses.
 */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4');
  return isIPv6(host) && !host.includes('%') && LOOPBACK.check(host, 'ipv6');
}
