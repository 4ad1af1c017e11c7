import type { Daemon } from '../../daemon/startDaemon.js';
import { shortStoreId } from '../../store/identity.js';
import { absoluteTime } from './times.js';

/** The JSON that `serve` prints once the daemon is ready. */
export function daemonJson(daemon: Daemon, configFile: string | undefined): object {
  const { addr, advertised, http, store, storeId, registry, service, tls, auth, warnings } = daemon;
  return {
    config: configFile ?? null,
    addr,
    advertised,
    http: http ?? null,
    store,
    registry,
    service,
    storeId: storeId ?? null,
    tls: tls ? { mutual: tls.isMutual, validUntil: tls.validUntil.toISOString() } : null,
    auth,
    warnings,
    pid: process.pid,
  };
}

/** The same as human-readable lines, without the warnings. */
export function daemonLines(daemon: Daemon, configFile: string | undefined): string[] {
  const { addr, advertised, http, store, storeId, registry, service, tls, auth } = daemon;
  const validity = tls && `${tls.isMutual ? 'mutual' : 'on'}, valid until ${absoluteTime(tls.validUntil)}`;
  const rows: [string, string | undefined][] = [
    ['config', configFile],
    ['address', `${addr}${advertised === addr ? '' : `, registered as ${advertised}`}`],
    ['http', http],
    ['tls', validity],
    ['access', auth.length > 0 ? auth.join(', ') : undefined],
    ['store', `${store}${storeId === undefined ? '' : `, identity ${shortStoreId(storeId)}`}`],
    ['registry', registry],
    ['service', service],
  ];
  return rows.flatMap(([name, value]) => (value ? [reportLine(name, value)] : []));
}

export function warningLines({ warnings }: Daemon): string[] {
  return warnings.map((warning) => reportLine('warning', warning));
}

function reportLine(name: string, value: string): string {
  return `${name.padEnd('registry'.length)}  ${value}`;
}
