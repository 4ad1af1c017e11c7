import type { Client } from 'imstate-client';
import { backoffMs } from 'imstate-client/internal/shared/backoff';
import { messageOf } from 'imstate-client/internal/shared/errors';
import { type Claim, ClaimLost, Claims } from './claim.js';
import { EventFactory, OlderDaemon } from './events.js';
import type { RelayFilter } from './filter.js';
import { isPassing } from './passing.js';
import type { RelayLog } from './relayLog.js';
import { type Batch, RelaySource } from './source.js';
import { DeliveryError, type RelayTarget } from './target.js';
import { waitFor } from './waitFor.js';

const BACKOFF = { firstMs: 500, maxMs: 60_000 };
/** How long to wait before another claim. */
const RESTART_MS = 500;
/** How many older daemons the relay tries in a row before it waits. */
const OLDER_DAEMONS = 32;
/** How often a paused relay looks whether it may go on. */
const PAUSE_INTERVAL_MS = 500;

/** What a {@link Relay} works with. */
export interface RelayOptions {
  name: string;
  /** Names this process, human-readable. */
  holder: string;
  client: Pick<Client, 'claimRelay' | 'commitRelay' | 'getUsers' | 'listSessions' | 'watch'>;
  target: RelayTarget;
  filter: RelayFilter;
  log: RelayLog;
}

/**
 * Delivers changes as events, at least once and in the order of each user: the position is committed after the
 * acknowledgement, and of several processes of one name exactly one delivers.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #claims: Claims;

  constructor(options: RelayOptions) {
    const { client, name, holder, target, log } = options;
    this.#options = options;
    this.#claims = new Claims(client, { name, holder, target: target.description }, log);
  }

  /** Runs until the signal aborts. Rejects with an error that no retry fixes. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const claim = await this.#claims.acquire(signal);
        await this.#serve(claim).finally(() => claim.release(signal.aborted));
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ClaimLost)) throw error;
        this.#options.log.warn({ reason: error.message }, 'delivery interrupted');
        await waitFor(RESTART_MS, signal).catch(() => {});
      }
    }
  }

  /** Delivers while the claim lasts; rejects when it does not. */
  async #serve(claim: Claim): Promise<never> {
    const { log } = this.#options;
    log.info({ target: this.#options.target.description }, 'delivering');
    for (let failures = 0; ; ) {
      const startedAt = performance.now();
      try {
        await this.#follow(claim);
      } catch (error) {
        claim.lost.throwIfAborted();
        const isOlder = error instanceof OlderDaemon;
        if (!isOlder && !isPassing(error, true)) throw error;
        failures = performance.now() - startedAt > BACKOFF.maxMs ? 1 : failures + 1;
        if (failures === 1) log.warn({ reason: messageOf(error) }, 'watch failed: watching another daemon');
        // At once, so that it is the turn of the next daemon: other calls end at newer ones, after which that of an
        // older one may come each time.
        if (isOlder && failures % OLDER_DAEMONS !== 0) continue;
        await waitFor(backoffMs(failures, RESTART_MS, BACKOFF.maxMs), claim.lost);
      }
    }
  }

  /** Delivers from the position of the relay on. */
  async #follow(claim: Claim): Promise<never> {
    const { filter, client, target } = this.#options;
    if (claim.relay.revision === '') await this.#begin(claim);
    const source = new RelaySource(filter, new EventFactory(claim.storeId));
    source.start(client, claim.relay.revision);
    try {
      for (;;) {
        await this.#whilePaused(claim);
        const batch = await source.next(target.maxEvents, claim.lost);
        if (batch.events.length > 0) await this.#deliver(batch, claim);
        await claim.commit({
          revision: batch.revision,
          deliveredTime: batch.time,
          delivered: batch.events.length,
          snapshots: batch.snapshots,
        });
      }
    } finally {
      source.close();
    }
  }

  /** A new relay begins now: resolves once its position is committed. */
  async #begin(claim: Claim): Promise<void> {
    const { client, filter } = this.#options;
    const scope =
      filter.servers === undefined ? ({ everything: true } as const) : { servers: filter.servers };
    for await (const event of client.watch({ ...scope, initialState: false, signal: claim.lost })) {
      if (event.type !== 'synced') continue;
      await claim.commit({ revision: event.revision });
      return;
    }
    throw claim.lost.reason;
  }

  async #whilePaused(claim: Claim): Promise<void> {
    if (claim.relay.state !== 'PAUSED') return;
    this.#options.log.info('paused');
    // The renewals of the claim read the state.
    while (claim.relay.state === 'PAUSED') await waitFor(PAUSE_INTERVAL_MS, claim.lost);
    this.#options.log.info('resumed');
  }

  /** Tries until the target acknowledges the events. */
  async #deliver({ events }: Batch, claim: Claim): Promise<void> {
    const { target, log } = this.#options;
    const deliveryId = `${events[0]?.id}_${events.length}`;
    for (let failures = 0; ; ) {
      await this.#whilePaused(claim);
      claim.throwIfLost();
      try {
        await target.deliver(events, deliveryId, claim.lost);
        if (failures > 0) log.info({ failures }, 'delivered after failed attempts');
        return;
      } catch (error) {
        if (claim.lost.aborted) throw claim.lost.reason;
        if (!(error instanceof DeliveryError)) throw error;
        failures += 1;
        const { message, isGone, retryAfterMs } = error;
        // At least the first pause: a target may ask for an attempt at once.
        const waitMs =
          retryAfterMs === undefined
            ? backoffMs(failures, BACKOFF.firstMs, BACKOFF.maxMs)
            : Math.max(retryAfterMs, BACKOFF.firstMs);
        if (isGone) log.warn({ reason: message }, 'the target wants no events any more: pausing');
        else log.warn({ reason: message, failures, waitMs: Math.round(waitMs) }, 'delivery failed: retrying');
        await claim.commit({ failed: 1, lastError: message, pause: isGone });
        if (!isGone) await waitFor(waitMs, claim.lost);
      }
    }
  }
}
