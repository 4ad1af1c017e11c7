import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** Where a browser sent a request, as far as the daemon can know. */
export interface Target {
  /** The host, with its port unless it is the default. */
  readonly host: string;
  /** Undefined if a proxy may have terminated TLS. */
  readonly scheme: 'http' | 'https' | undefined;
}

/**
 * The reverse proxies whose `X-Forwarded-*` headers are trusted. Those of any other peer are ignored, because
 * anybody can send them.
 */
export class TrustedProxies {
  readonly #addresses = new BlockList();

  /**
   * Accepts IP addresses and CIDRs. Throws INVALID_ARGUMENT for anything else, and for a CIDR of all
   * addresses.
   */
  constructor(subnets: readonly string[] = []) {
    for (const subnet of subnets) addSubnet(this.#addresses, subnet);
  }

  /**
   * Where the browser sent the request. Of several values in a header the last one counts: the trusted proxy
   * has added it. The others may come from the caller.
   */
  targetOf({ socket, headers }: IncomingMessage): Target {
    const scheme = (socket as TLSSocket).encrypted === true ? 'https' : undefined;
    const { host = '' } = headers;
    if (!this.#has(socket.remoteAddress)) return { host, scheme };
    const forwardedHost = lastOf(headers['x-forwarded-host']) ?? host;
    const forwardedScheme = lastOf(headers['x-forwarded-proto'])?.toLowerCase();
    return {
      host: withPort(forwardedHost, lastOf(headers['x-forwarded-port'])),
      scheme: forwardedScheme === 'http' || forwardedScheme === 'https' ? forwardedScheme : scheme,
    };
  }

  /**
   * The address of the caller: with its port, or as in `X-Forwarded-For` if trusted proxies forwarded the
   * request.
   */
  peerOf({ socket, headers }: IncomingMessage): string {
    const { remoteAddress = '', remotePort = 0 } = socket;
    let peer = formatHostPort({ host: remoteAddress, port: remotePort });
    if (!this.#has(remoteAddress)) return peer;
    for (const hop of valuesOf(headers['x-forwarded-for']).reverse()) {
      const address = addressOf(hop);
      if (address === undefined) break;
      peer = address;
      if (!this.#has(address)) break;
    }
    return peer;
  }

  #has(address = ''): boolean {
    const family = isIP(address);
    return family !== 0 && this.#addresses.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

function addSubnet(list: BlockList, text: string): void {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const longest = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits);
  if (family === 0 || address.includes('%') || prefix > longest) {
    throw new ImstateError('INVALID_ARGUMENT', `"${text}" is neither an IP address nor a CIDR`);
  }
  if (prefix === 0) {
    throw new ImstateError(
      'INVALID_ARGUMENT',
      `${text} would trust every peer: name the addresses of the proxies`,
    );
  }
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
}

/** The host, with the port that a proxy may send separately: `$host` of nginx has none. */
function withPort(host: string, port: string | undefined): string {
  return port !== undefined && /^\d{1,5}$/.test(port) && /^(\[[^\]]+\]|[^:]+)$/.test(host)
    ? `${host}:${port}`
    : host;
}

/** The IP address of a hop. Some proxies add its port. */
function addressOf(hop: string): string | undefined {
  const [, bracketed, ipv4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(hop) ?? [];
  const address = bracketed ?? ipv4 ?? hop;
  return isIP(address) === 0 ? undefined : address;
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return valuesOf(header).at(-1);
}

/** The values of a header. Node.js joins several lines. */
function valuesOf(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}
