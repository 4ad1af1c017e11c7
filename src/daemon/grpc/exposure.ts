import { isLoopback, parseHostPort } from 'imstate-client/internal/shared/address';
import type { DaemonTls } from './tls.js';

interface Exposure {
  /** Where the daemon listens: host:port, and its IP address. */
  addr: string;
  ip: string;
  /** The address that clients dial, host:port. */
  advertised: string;
  tls: DaemonTls | undefined;
  /** True if callers must authenticate. */
  hasAuth: boolean;
  /** Where it listens for HTTP; undefined if it does not. */
  http: { addr: string; ip: string } | undefined;
}

/** Warnings about access to the daemon, each with a remedy. */
export function exposures({ addr, ip, advertised, tls, hasAuth, http }: Exposure): string[] {
  const warnings: string[] = [];
  if (tls === undefined && !isLoopback(ip)) {
    warnings.push(
      `${addr} is open to other machines without TLS: whoever is on the way can read and change the calls; ` +
        'give --tls-cert and --tls-key, or listen on 127.0.0.1',
    );
  }
  if (!hasAuth && !tls?.isMutual && !isLoopback(ip)) {
    warnings.push(
      `${addr} is open to other machines and asks for no credentials: whoever reaches it may do everything; ` +
        'give --auth-tokens (imstate token create makes them), another --auth flag or --tls-client-ca, or listen on 127.0.0.1',
    );
  }
  if (tls === undefined && http !== undefined && !isLoopback(http.ip)) {
    warnings.push(
      `http://${http.addr} is open to other machines without TLS: whoever is on the way can read what is asked, and ` +
        'the tokens; give --tls-cert and --tls-key, or let --http-addr be 127.0.0.1',
    );
  }
  if (!hasAuth && !tls?.isMutual && http !== undefined && !isLoopback(http.ip)) {
    warnings.push(
      `${http.addr} is open to other machines by HTTP and asks for no credentials: whoever reaches it may look at everything ` +
        'and evict; give --auth-tokens (imstate token create makes them), another --auth flag or --tls-client-ca, or let ' +
        '--http-addr be 127.0.0.1',
    );
  }
  const host = parseHostPort(advertised)?.host;
  if (tls !== undefined && host !== undefined && !tls.isFor(host)) {
    warnings.push(
      `the certificate of --tls-cert is not for ${host}, where clients dial: have one made for that name, ` +
        'or give the clients --tls-server-name',
    );
  }
  return warnings;
}
