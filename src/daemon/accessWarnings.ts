import { isLoopback, parseHostPort } from 'imstate-client/internal/shared/address';
import type { DaemonTls } from './grpc/tls.js';

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
export function accessWarnings({ addr, ip, advertised, tls, hasAuth, http }: Exposure): string[] {
  const warnings: string[] = [];
  if (tls === undefined && !isLoopback(ip)) {
    warnings.push(
      `${addr} is open to other machines without TLS: others on the network can read and change calls; ` +
        'set --tls-cert and --tls-key, or listen on 127.0.0.1',
    );
  }
  if (!hasAuth && !tls?.isMutual && !isLoopback(ip)) {
    warnings.push(
      `${addr} is open to other machines without authentication: anybody who reaches it may do everything; ` +
        'set --auth-tokens (imstate token create makes them), another --auth flag or --tls-client-ca, or listen on 127.0.0.1',
    );
  }
  if (tls === undefined && http !== undefined && !isLoopback(http.ip)) {
    warnings.push(
      `http://${http.addr} is open to other machines without TLS: others on the network can read requests and ` +
        'tokens; set --tls-cert and --tls-key, or --http-addr 127.0.0.1',
    );
  }
  if (!hasAuth && !tls?.isMutual && http !== undefined && !isLoopback(http.ip)) {
    warnings.push(
      `${http.addr} is open to other machines over HTTP without authentication: anybody who reaches it may read ` +
        'everything and evict sessions; set --auth-tokens (imstate token create makes them), another --auth flag or ' +
        '--tls-client-ca, or --http-addr 127.0.0.1',
    );
  }
  const host = parseHostPort(advertised)?.host;
  if (tls !== undefined && host !== undefined && !tls.isFor(host)) {
    warnings.push(
      `the certificate of --tls-cert is not valid for ${host}, which clients dial: get one for that name, ` +
        'or set --tls-server-name for the clients',
    );
  }
  return warnings;
}
