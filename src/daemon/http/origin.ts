import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ImstateError } from '../../errors.js';
import type { Exchange } from './routes.js';

/** Names that nobody can own on the Internet: a foreign page cannot have been loaded from them. */
const PRIVATE_NAME = /^[^.]+$|\.(localhost|local|internal|svc|home\.arpa)$/i;

/**
 * Refuses what a page of somebody else makes a browser send, which may reach ports that its user reaches and no one else. Programs
 * that are no browser pass.
 *
 * - A browser says where a request comes from (`sec-fetch-site`, or at least `origin`); and it sends JSON to another origin only after having asked
 *   for leave, which is never given here.
 * - A name that leads first to the page's own server and then here (DNS rebinding) makes the two one origin. Where a credential is needed
 *   the page has none: the console's is in its own origin's storage. Over TLS the certificate is not for that name. Where neither helps, the
 *   name must not be one of the Internet.
 */
export function checkOrigin({ request, caller }: Pick<Exchange, 'request' | 'caller'>): void {
  const { headers } = request;
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site !== undefined) {
    if (site !== 'same-origin' && site !== 'none') throw foreign(`sec-fetch-site: ${site}`);
  } else if (origin !== undefined && hostOf(origin) !== host) throw foreign(`origin: ${origin}`);
  if (request.method === 'POST' && !isJson(request)) {
    throw new ImstateError('INVALID_ARGUMENT', 'content-type must be application/json');
  }
  const isSecure = (request.socket as TLSSocket).encrypted === true;
  if (caller === undefined && !isSecure && !isPrivate(host)) {
    throw new ImstateError(
      'PERMISSION_DENIED',
      `without an --auth flag and without TLS this answers by an IP address or a name of a private network only, not as ${host}: ` +
        'a page from the Internet might ask in the name of its visitor; give the daemon --auth-tokens or --tls-cert',
    );
  }
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}

function isPrivate(host: string | undefined): boolean {
  const name = hostnameOf(host);
  return name !== undefined && (isIP(name) !== 0 || PRIVATE_NAME.test(name));
}

/** The name or IP address of a Host header. */
function hostnameOf(host: string | undefined): string | undefined {
  const [, ipv6, name] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host ?? '') ?? [];
  return ipv6 ?? name;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function foreign(what: string): ImstateError {
  return new ImstateError('PERMISSION_DENIED', `no page of another origin is answered (${what})`);
}
