import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Exchange } from './routes.js';
import type { Target, TrustedProxies } from './trustedProxies.js';

/** Names that nobody can own on the Internet: no foreign page was loaded from them. */
const PRIVATE_NAME = /^[^.]+$|\.(localhost|local|internal|svc|home\.arpa)$/i;

/**
 * Rejects requests that a foreign page makes a browser send, perhaps to a port that only its user can reach.
 * Programs other than browsers pass.
 *
 * - Over HTTPS, and on localhost, a browser states where a request comes from (`Sec-Fetch-Site`), whatever
 *   names proxies use in between. It does not for other origins over plain HTTP.
 * - Over plain HTTP it names at least the origin of a change (`Origin`). That must be the target of the
 *   request, see {@link TrustedProxies}, or an origin that the operator has named. A browser sends JSON to
 *   another origin only after a preflight request, which is never allowed here.
 * - A name that leads first to the server of the page and then here (DNS rebinding) makes both one origin. If
 *   credentials are required, the page has none: those of the console are in the storage of its own origin.
 *   Over HTTPS the certificate does not match the name. Otherwise, the name must be one that the operator has
 *   named, or one that cannot be on the Internet.
 */
export class OriginPolicy {
  readonly #origins: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;
  readonly #proxies: TrustedProxies;

  /** `origins` are those that the operator has named. */
  constructor(origins: readonly string[], proxies: TrustedProxies) {
    this.#origins = new Set(origins);
    this.#names = new Set(origins.map((origin) => new URL(origin).hostname));
    this.#proxies = proxies;
  }

  /**
   * Throws PERMISSION_DENIED for a request of a foreign page, and INVALID_ARGUMENT for a change that is not
   * JSON.
   */
  check({ request, caller }: Pick<Exchange, 'request' | 'caller'>): void {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const target = this.#proxies.targetOf(request);
    if (site !== undefined) {
      if (site !== 'same-origin' && site !== 'none') throw foreignSite(String(site));
    } else if (origin !== undefined && !this.#isOwn(origin, target)) throw foreignOrigin(origin, target);
    if ((request.method === 'POST' || request.method === 'PUT') && !isJson(request)) {
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

/** The origin of an HTTP URL, as browsers write it; undefined for any other text. */
export function originOf(url: string): string | undefined {
  if (!/^https?:\/\/[^/@]/i.test(url) || !URL.canParse(url)) return undefined;
  return new URL(url).origin;
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}

/** The name or IP address in a Host header, as browsers write it. */
function hostnameOf(host: string): string | undefined {
  const [, ipv6, name] = /^(?:\[([^\]]+)\]|([^:/?#@\\]+))(?::\d+)?$/.exec(host) ?? [];
  return ipv6 ?? name?.toLowerCase();
}

function foreignSite(site: string): ImstateError {
  return new ImstateError(
    'PERMISSION_DENIED',
    `requests from pages of another origin are rejected (sec-fetch-site: ${site})`,
  );
}

function foreignOrigin(origin: string, { host }: Target): ImstateError {
  const wayOut =
    originOf(origin) === undefined
      ? ''
      : `; if a reverse proxy serves the console there, use HTTPS, or start the daemon with --http-origin ${origin}` +
        ' (or --http-trusted-proxy with the address of a proxy that sends X-Forwarded-Host and X-Forwarded-Proto)';
  return new ImstateError(
    'PERMISSION_DENIED',
    `requests from pages of another origin are rejected (origin: ${origin}, host: ${host})${wayOut}`,
  );
}

function foreignName(host: string): ImstateError {
  const origin = originOf(`http://${host}`);
  return new ImstateError(
    'PERMISSION_DENIED',
    `without an --auth flag and TLS, the daemon answers only under an IP address or a private name, not as ${host}, ` +
      'because a page from the Internet could use the access of its visitor: set --auth-tokens or --tls-cert' +
      (origin === undefined
        ? ''
        : `, or if a reverse proxy serves the console there, use HTTPS or set --http-origin ${origin}`),
  );
}
