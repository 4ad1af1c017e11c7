import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { mixedRegistryWarning } from 'imstate-client/internal/registry/mixedRegistryWarning';
import { parseHostPort } from 'imstate-client/internal/shared/address';
import { HealthClient } from 'imstate-client/internal/wire/health';
import type { Logger } from 'pino';
import type { Registry } from '../registry/registry.js';

/** How often the registry is read. */
const CHECK_INTERVAL_MS = 10_000;
const PROBE_TIMEOUT_MS = 2_000;

interface WarnOptions {
  registry: Registry;
  /** The registered address of the daemon, host:port. */
  advertised: string;
  log: Logger;
  signal: AbortSignal;
}

/** Warns while legacy servers are registered beside this daemon, once for each set of them. Never rejects. */
export async function warnOfLegacyServers({ registry, advertised, log, signal }: WarnOptions): Promise<void> {
  setMaxListeners(0, signal);
  let known: string[] = [];
  do {
    const found = await findLegacyServers(registry, advertised, known, signal).catch(() => known);
    if (signal.aborted) return;
    if (found.length > 0 && found.join() !== known.join())
      log.warn({ warning: mixedRegistryWarning(found) }, 'legacy servers are registered beside this daemon');
    if (found.length === 0 && known.length > 0)
      log.info('no legacy server is registered beside this daemon any more');
    known = found;
  } while (await delay(CHECK_INTERVAL_MS, true, { signal, ref: false }).catch(() => false));
}

/**
 * The addresses of legacy servers in the registry. A known one that does not answer counts until its entry is
 * gone.
 */
async function findLegacyServers(
  registry: Registry,
  advertised: string,
  known: string[],
  signal: AbortSignal,
): Promise<string[]> {
  const [endpoints, stores] = await Promise.all([registry.list(), registry.listStores()]);
  // Only imstate daemons publish the identity of their store.
  const others = endpoints.map(({ addr }) => addr).filter((addr) => addr !== advertised && !stores.has(addr));
  const answers = await Promise.all(
    others.map((addr) => isLegacy(addr, signal).catch(() => known.includes(addr))),
  );
  return others.filter((_, i) => answers[i]);
}

/** Rejects if the server does not respond, or if TLS fails: legacy servers do not support it. */
async function isLegacy(addr: string, signal: AbortSignal): Promise<boolean> {
  const host = parseHostPort(addr)?.host;
  if (host === undefined) return false;
  const client = new HealthClient(addr, host, credentials.createInsecure());
  try {
    const { health } = await client.check({ deadline: Date.now() + PROBE_TIMEOUT_MS, signal });
    return health === 'UNKNOWN';
  } finally {
    client.close();
  }
}
