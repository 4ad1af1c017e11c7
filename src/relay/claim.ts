import { randomUUID } from 'node:crypto';
import {
  type ClaimRelayResult,
  type Client,
  type CommitRelayRequest,
  ImstateError,
  type Relay,
} from 'imstate-client';
import { backoffMs } from 'imstate-client/internal/shared/backoff';
import { messageOf } from 'imstate-client/internal/shared/errors';
import { onAbort } from 'imstate-client/internal/shared/onAbort';
import { isPassing } from './passing.js';
import type { RelayLog } from './relayLog.js';
import { waitFor } from './waitFor.js';

/** How often a process asks for the claim while another one holds it: well within the second after it has run out. */
const STANDBY_INTERVAL_MS = 500;
/** How often the claim is renewed within its time. */
const RENEWALS = 4;
/** How many answers of daemons that do not know relays are tolerated before the first claim. */
const MAX_OLDER_DAEMONS = 5;
/** How long one call may take: another daemon is asked while the claim still lasts. */
const CALL_TIMEOUT_MS = 1_000;
const BACKOFF = { firstMs: 100, maxMs: 1_000 };
/** What was delivered and what failed since the last commit. */
export type Progress = Omit<CommitRelayRequest, 'name' | 'holderId' | 'fence'>;

/** The calls that a claim makes. */
export type ClaimClient = Pick<Client, 'claimRelay' | 'commitRelay'>;

/** The process may not deliver any more: another one has taken over, or the relay was replayed. */
export class ClaimLost extends Error {}

/** The claims of this process to deliver for a relay. */
export class Claims {
  readonly #client: ClaimClient;
  readonly #name: string;
  readonly #target: string;
  readonly #holder: string;
  readonly #log: RelayLog;
  readonly #holderId = randomUUID();
  #hasClaimed = false;
  /** Where it has delivered to, in case the store loses the relay. */
  #knownRevision = '';

  constructor(
    client: ClaimClient,
    { name, target, holder }: { name: string; target: string; holder: string },
    log: RelayLog,
  ) {
    this.#client = client;
    this.#name = name;
    this.#target = target;
    this.#holder = holder;
    this.#log = log;
  }

  /** Waits until this process holds the claim. Rejects if the signal aborts, or with an error that does not pass. */
  async acquire(signal: AbortSignal): Promise<Claim> {
    let isStandby = false;
    for (;;) {
      const { result, startedAt } = await this.#ask(signal);
      // Also of another process: if the store loses the relay, whichever process is first continues there.
      this.#knownRevision = result.relay.revision || this.#knownRevision;
      if (result.claimed) {
        this.#hasClaimed = true;
        return new Claim(this, { ...result, startedAt }, signal);
      }
      if (!isStandby)
        this.#log.info({ holder: result.relay.holder }, 'another process delivers: waiting to take over');
      isStandby = true;
      await waitFor(STANDBY_INTERVAL_MS * (0.75 + Math.random() / 2), signal);
    }
  }

  /** Asks for the claim until a daemon answers; resolves with the answer to a call that was made at `startedAt`. */
  async #ask(signal: AbortSignal): Promise<{ result: ClaimRelayResult; startedAt: number }> {
    const request = {
      name: this.#name,
      holderId: this.#holderId,
      holder: this.#holder,
      target: this.#target,
      knownRevision: this.#knownRevision,
    };
    for (let failures = 0; ; ) {
      signal.throwIfAborted();
      const startedAt = performance.now();
      try {
        return {
          result: await this.#client.claimRelay(request, { signal, timeoutMs: CALL_TIMEOUT_MS }),
          startedAt,
        };
      } catch (error) {
        // One of several daemons may be older: another one is asked the next time.
        const isOlder = error instanceof ImstateError && error.code === 'UNIMPLEMENTED';
        throwUnlessPassing(error, signal, this.#hasClaimed || (isOlder && failures < MAX_OLDER_DAEMONS));
        failures += 1;
        if (failures === 1) this.#log.warn({ reason: messageOf(error) }, 'claim failed: retrying');
        await waitFor(backoffMs(failures, BACKOFF.firstMs, BACKOFF.maxMs), signal);
      }
    }
  }

  /** Gives the claim up. Best effort: it runs out soon. */
  async release(fence: number): Promise<void> {
    const request = { name: this.#name, holderId: this.#holderId, fence, release: true };
    await this.#client.commitRelay(request, { timeoutMs: CALL_TIMEOUT_MS }).catch(() => {});
  }

  /** One attempt to commit. Rejects with {@link ClaimLost} if another claim is needed. */
  async commit(fence: number, progress: Progress, signal: AbortSignal): Promise<Relay> {
    const request = { ...progress, name: this.#name, holderId: this.#holderId, fence };
    try {
      const relay = await this.#client.commitRelay(request, { signal, timeoutMs: CALL_TIMEOUT_MS });
      if (progress.revision) this.#knownRevision = progress.revision;
      return relay;
    } catch (error) {
      const { code, message } = error as Partial<ImstateError>;
      if (code === 'FAILED_PRECONDITION') throw new ClaimLost(message);
      // The store lost it: the next claim creates it again where this process is.
      if (code === 'NOT_FOUND') {
        if (progress.revision) this.#knownRevision = progress.revision;
        throw new ClaimLost('the store lost the relay');
      }
      throw error;
    }
  }
}

/** A claim as a daemon granted it. */
interface ClaimState extends Pick<ClaimRelayResult, 'relay' | 'fence' | 'ttlMs' | 'storeId'> {
  /** When the call was made. */
  startedAt: number;
}

/** A claim, which is renewed until it is released. Commits are made one after the other. */
export class Claim {
  /** Aborts when the claim is lost, by a {@link ClaimLost}, by an error, or by the signal of the process. */
  readonly lost: AbortSignal;
  readonly storeId: string;
  readonly #claims: Claims;
  readonly #fence: number;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #removeAbort: () => void;
  #relay: Relay;
  #validUntil: number;
  #last: Promise<unknown> = Promise.resolve();
  #isCommitting = false;

  constructor(claims: Claims, { relay, fence, ttlMs, storeId, startedAt }: ClaimState, signal: AbortSignal) {
    this.#claims = claims;
    this.#fence = fence;
    this.#ttlMs = ttlMs;
    this.storeId = storeId;
    this.lost = this.#lost.signal;
    this.#relay = relay;
    this.#validUntil = startedAt + ttlMs;
    this.#removeAbort = onAbort(signal, () => this.#lost.abort(signal.reason));
    this.#timer = setInterval(() => {
      this.#checkTime();
      if (!this.#isCommitting) this.commit({}).catch(() => {});
    }, ttlMs / RENEWALS);
  }

  /** The relay as of the last response. */
  get relay(): Relay {
    return this.#relay;
  }

  /** Throws the reason if the claim is lost. */
  throwIfLost(): void {
    this.#checkTime();
    this.lost.throwIfAborted();
  }

  /** Commits progress, and renews the claim; retries until it succeeds. Rejects with {@link ClaimLost}. */
  commit(progress: Progress): Promise<void> {
    const committed = this.#last.then(() => this.#commit(progress));
    this.#last = committed.catch(() => {});
    return committed;
  }

  /** Renews the claim no more; with `gives` another process may take over at once. Never rejects. */
  async release(gives: boolean): Promise<void> {
    clearInterval(this.#timer);
    this.#removeAbort();
    this.#lost.abort(new ClaimLost('released'));
    await this.#last;
    if (gives) await this.#claims.release(this.#fence);
  }

  /** Another process may deliver since the claim has run out: no daemon answered, or this process was stopped. */
  #checkTime(): void {
    if (performance.now() > this.#validUntil)
      this.#lost.abort(new ClaimLost('it could not be renewed in time'));
  }

  async #commit(progress: Progress): Promise<void> {
    this.#isCommitting = true;
    try {
      for (let failures = 0; ; ) {
        this.lost.throwIfAborted();
        const startedAt = performance.now();
        try {
          this.#relay = await this.#claims.commit(this.#fence, progress, this.lost);
          this.#validUntil = startedAt + this.#ttlMs;
          return;
        } catch (error) {
          throwUnlessPassing(error, this.lost);
          failures += 1;
          await waitFor(backoffMs(failures, BACKOFF.firstMs, BACKOFF.maxMs), this.lost);
        }
      }
    } catch (error) {
      this.#lost.abort(error);
      throw this.lost.reason;
    } finally {
      this.#isCommitting = false;
    }
  }
}

/** `isEstablished`: this process has had a claim, or may still meet a daemon of an older version among others. */
function throwUnlessPassing(error: unknown, signal: AbortSignal, isEstablished = true): void {
  if (signal.aborted) throw signal.reason;
  if (!isPassing(error, isEstablished)) throw error;
}
