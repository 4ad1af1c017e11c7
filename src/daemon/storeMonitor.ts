import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { PresenceStore, StoreHealth } from '../store/store.js';

const CHECK_MS = 500;

interface MonitorOptions {
  store: PresenceStore;
  log: Logger;
  signal: AbortSignal;
  /** Receives which shards answer: at first, and at every change. */
  onChange(health: StoreHealth): void;
}

/**
 * Checks twice a second which shards of the store answer, and whether an administrator raised its feature
 * level, until the signal aborts.
 */
export async function monitorStore({ store, log, signal, onChange }: MonitorOptions): Promise<void> {
  let known: readonly number[] = [];
  let level = store.featureLevel;
  do {
    const health = await store.check();
    if (signal.aborted) return;
    const { featureLevel } = store;
    if (featureLevel !== level) log.info({ previousLevel: level, featureLevel }, 'feature level changed');
    level = featureLevel;
    const { unavailable } = health;
    if (String(unavailable) === String(known)) continue;
    known = unavailable;
    logHealth(log, health);
    onChange(health);
  } while (await delay(CHECK_MS, true, { signal }).catch(() => false));
}

function logHealth(log: Logger, { shards, unavailable, failure }: StoreHealth): void {
  if (unavailable.length === 0) log.info('store available again');
  else if (unavailable.length === shards)
    log.error({ reason: failure?.message }, 'store unavailable: calls fail');
  else
    log.error(
      { shards, unavailable, reason: failure?.message },
      'shards of the store unavailable: calls for their users fail',
    );
}
