import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Exchange } from './routes.js';
import type { Target, TrustedProxies } from './trustedProxies.js';

/** Names that nobody can own on the Internet: a foreign page cannot have been loaded from them. */
const PRIVATE_NAME = /^[^.]+$|\.(localhost|local|internal|svc|home\.arpa)$/i;

/**
 * Rejects what a page of somebody else makes a browser send, which may reach ports that its user reaches and no one else. Programs
 * that are no browser pass.
 *
 * - Over HTTPS a browser says where a request comes from (`Sec-Fetch-Site`), whatever names proxies put between. It says the same of
 *   localhost, and nothing of other origins over plain HTTP.
 * - Over plain HTTP it names at least the origin of a change (`Origin`). That must be where the request was sent, see
 *   {@link TrustedProxies}, or an origin that the operator named. A browser sends JSON to another origin only after having asked for
 *   leave, which is never given here.
 * - A name that leads first to the page's own server and then here (DNS rebinding) makes the two one origin. Where a credential is
 *   needed the page has none: the console's is in its own origin's storage. Over HTTPS the certificate is not for that name. Where
 *   neither helps, the name must be one that the operator named, or none of the Internet.
 */
export class OriginPolicy {
  readonly #origins: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;
  readonly #proxies: TrustedProxies;

  /** Takes the origins that the operator named. */
  constructor(origins: readonly string[], proxies: TrustedProxies) {
    this.#origins = new Set(origins);
    this.#names = new Set(origins.map((origin) => new URL(origin).hostname));
    this.#proxies = proxies;
  }

  /** Throws PERMISSION_DENIED for a request of a foreign page, and INVALID_ARGUMENT for a change that is not JSON. */
  check({ request, caller }: Pick<Exchange, 'request' | 'caller'>): void {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const target = this.#proxies.targetOf(request);
    if (site !== undefined) {
      if (site !== 'same-origin' && site !== 'none') throw foreignSite(String(site));
    } else if (origin !== undefined && !this.#isOwn(origin, target)) throw foreignOrigin(origin, target);
    if (request.method === 'POST' && !isJson(request)) {
      throw new ImstateError('INVALID_ARGUMENT', 'content-type must be application/json');
    }
    // Scripts cannot set Sec-Fetch-Site, and browsers send it over HTTPS and to localhost only.
    const isSecure = target.scheme === 'https' || (site !== undefined && !origin?.startsWith('http:'));
    if (caller === undefined && !isSecure && !this.#isSafeName(target.host)) throw foreignName(target.host);
  }

  #isOwn(origin: string, { host, scheme }: Target): boolean {
    if (this.#origins.has(origin)) return true;
    if (hostnameOf(host) === undefined) return false;
    const schemes = scheme === undefined ? ['http', 'https'] : [scheme];
    return schemes.some((each) => originOf(`${each}://${host}`) === origin);
  }

  #isSafeName(host: string): boolean {
    const name = hostnameOf(host);
    return name !== undefined && (isIP(name) !== 0 || PRIVATE_NAME.test(name) || this.#names.has(name));
  }
}

/** The origin of a URL of HTTP, as browsers write it; undefined if it is none. */
export function originOf(url: string): string | undefined {
  if (!/^https?:\/\/[^/@]/i.test(url) || !URL.canParse(url)) return undefined;
  return new URL(url).origin;
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}

/** The name or IP address of a Host header, as browsers write it. */
function hostnameOf(host: string): string | undefined {
  const [, ipv6, name] = /^(?:\[([^\]]+)\]|([^:/?#@\\]+))(?::\d+)?$/.exec(host) ?? [];
  return ipv6 ?? name?.toLowerCase();
}

function foreignSite(site: string): ImstateError {
  return new ImstateError(
    'PERMISSION_DENIED',
    `requests by pages of another origin are rejected (sec-fetch-site: ${site})`,
  );
}

function foreignOrigin(origin: string, { host }: Target): ImstateError {
  const wayOut =
    originOf(origin) === undefined
      ? ''
      : `; if a reverse proxy serves the console there, use HTTPS, or give the daemon --http-origin ${origin}` +
        ' (or --http-trusted-proxy with the address of a proxy that sends X-Forwarded-Host and X-Forwarded-Proto)';
  return new ImstateError(
    'PERMISSION_DENIED',
    `requests by pages of another origin are rejected (origin: ${origin}, host: ${host})${wayOut}`,
  );
}

function foreignName(host: string): ImstateError {
  const origin = originOf(`http://${host}`);
  return new ImstateError(
    'PERMISSION_DENIED',
    `without an --auth flag and without TLS this answers by an IP address or a name of a private network only, not as ${host}: ` +
      'a page from the Internet might ask in the name of its visitor; give the daemon --auth-tokens or --tls-cert' +
      (origin === undefined
        ? ''
        : `, or if a reverse proxy serves the console there, use HTTPS or give it --http-origin ${origin}`),
  );
}
