import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** Where a browser sent a request, as far as that can be known here. */
export interface Target {
  /** Host with its port, if it is not the usual one. */
  readonly host: string;
  /** Undefined if a proxy may have ended TLS. */
  readonly scheme: 'http' | 'https' | undefined;
}

/** The reverse proxies whose `X-Forwarded-*` headers count. Those of any other peer are ignored: everybody can send them. */
export class TrustedProxies {
  readonly #addresses = new BlockList();

  /** Takes IP addresses and CIDRs; throws INVALID_ARGUMENT for anything else, and for a CIDR of all addresses. */
  constructor(subnets: readonly string[] = []) {
    for (const subnet of subnets) addSubnet(this.#addresses, subnet);
  }

  /**
   * Where the browser sent the request. Of a header with several values the last one counts, which is of the trusted proxy; the
   * others may be the caller's own.
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

  /** Address of the caller: with its port; without, as `X-Forwarded-For` has it, if trusted proxies forwarded the request. */
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
      `${text} trusts every peer: name the addresses of the proxies`,
    );
  }
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
}

/** The host with the port that a proxy names apart from it: nginx's `$host` has none. */
function withPort(host: string, port: string | undefined): string {
  return port !== undefined && /^\d{1,5}$/.test(port) && /^(\[[^\]]+\]|[^:]+)$/.test(host)
    ? `${host}:${port}`
    : host;
}

/** The IP address of a hop, which some proxies write with its port. */
function addressOf(hop: string): string | undefined {
  const [, bracketed, ipv4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(hop) ?? [];
  const address = bracketed ?? ipv4 ?? hop;
  return isIP(address) === 0 ? undefined : address;
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return valuesOf(header).at(-1);
}

/** The values of a header; Node.js joins those of several lines. */
function valuesOf(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}
