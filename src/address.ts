/** A host and port; an IPv6 host stands without its brackets. */
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

/** True for the IP addresses that mean every interface, which nobody can dial. */
export function isWildcard(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** True for the IP addresses, and the name, that only this machine can dial. */
export function isLoopback(ip: string): boolean {
  return ip === 'localhost' || /^(::ffff:)?127\./i.test(ip) || ip === '::1';
}
