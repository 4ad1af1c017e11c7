import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import {
  checkRelayName,
  claimRelay,
  commitRelay,
  getRelay,
  isClaimed,
  pauseRelay,
  type Relay,
  type RelayClaim,
  type RelayProgress,
  replayRelay,
  type StoredRelays,
} from '../presence/relays.js';
import type { PresenceStore } from '../store/store.js';
import { positionsAt } from './watch/resume.js';
import { formatRevision, parseRevision } from './watch/revision.js';

/** How often a change is tried when others change the same relay. */
const MAX_ATTEMPTS = 10;
const BACKOFF_MS = 20;
/** How many changes of a shard are counted that are not delivered. */
const MAX_COUNTED = 1_000;

/** How far a relay is behind. */
export interface RelayLag {
  changes: number;
  ms: number;
  /** Changes that were not delivered are gone. */
  isBehindLog: boolean;
}

/** A relay, and how far it is behind; undefined before its first commit. */
export interface RelayStatus {
  relay: Relay;
  nowMs: number;
  lag: RelayLag | undefined;
}

type Store = Pick<PresenceStore, 'readRelays' | 'writeRelay' | 'changeLog' | 'identity'>;

/** The relays of the store. Processes of `imstate relay run` claim them, and commit what they have delivered. */
export class Relays {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The identity of the store: the source of the events. */
  get storeId(): string {
    return this.#store.identity ?? '';
  }

  /** Claims a relay, or renews the claim. Resolves with the relay, and whether the process holds it. */
  async claim(claim: RelayClaim): Promise<{ relay: Relay; nowMs: number; isClaimed: boolean }> {
    checkRelayName(claim.name);
    if (claim.knownRevision !== '') parseRevision(claim.knownRevision);
    let isClaimed = false;
    const { relay, nowMs } = await this.#change((stored) => {
      const claimed = claimRelay(stored, claim);
      isClaimed = claimed !== undefined;
      return claimed ?? getRelay(stored, claim.name);
    });
    return { relay, nowMs, isClaimed };
  }

  /** See commitRelay(). */
  async commit(progress: RelayProgress): Promise<{ relay: Relay; nowMs: number }> {
    checkRelayName(progress.name);
    if (progress.revision !== '') parseRevision(progress.revision);
    return this.#change((stored) => commitRelay(stored, progress));
  }

  async pause(name: string, isPaused: boolean): Promise<{ relay: Relay; nowMs: number }> {
    checkRelayName(name);
    return this.#change((stored) => pauseRelay(stored, name, isPaused));
  }

  /** Makes a relay deliver again what happened since a time. Rejects with OUT_OF_RANGE if changes may be gone. */
  async replay(name: string, timeMs: number): Promise<{ relay: Relay; nowMs: number }> {
    checkRelayName(name);
    getRelay(await this.#store.readRelays(), name);
    const revision = formatRevision(await positionsAt(this.#store.changeLog(), timeMs));
    return this.#change((stored) => replayRelay(stored, name, revision));
  }

  /** Removes a relay that no process holds. */
  async delete(name: string): Promise<void> {
    checkRelayName(name);
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const stored = await this.#store.readRelays();
      const relay = getRelay(stored, name);
      if (isClaimed(relay, stored.nowMs)) throw isHeld(relay);
      if (await this.#store.writeRelay(name, undefined, relay.version)) return;
    }
    throw contended(name);
  }

  /** All relays, by name. */
  async list(): Promise<RelayStatus[]> {
    const { relays, nowMs } = await this.#store.readRelays();
    return Promise.all(relays.map(async (relay) => ({ relay, nowMs, lag: await this.#lagOf(relay, nowMs) })));
  }

  /** Another process may change the relay at the same time. An unchanged relay is not written. */
  async #change(change: (stored: StoredRelays) => Relay): Promise<{ relay: Relay; nowMs: number }> {
    let name = '';
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const stored = await this.#store.readRelays();
      const relay = change(stored);
      name = relay.name;
      const before = stored.relays.find((each) => each.name === name);
      const isWritten = relay === before || (await this.#store.writeRelay(name, relay, before?.version ?? 0));
      if (isWritten) return { relay, nowMs: stored.nowMs };
      await delay(Math.random() * BACKOFF_MS * (attempts + 1));
    }
    throw contended(name);
  }

  async #lagOf(
    { revision, deliveredTimeMs, createdMs }: Relay,
    nowMs: number,
  ): Promise<RelayLag | undefined> {
    if (revision === '') return undefined;
    const changeLog = this.#store.changeLog();
    const positions = parseRevision(revision);
    const lag = { changes: 0, ms: 0, isBehindLog: positions.length !== changeLog.shards };
    if (lag.isBehindLog) return { ...lag, ms: nowMs - Math.max(deliveredTimeMs, createdMs) };
    const counts = await Promise.all(
      positions.map((position, shard) => changeLog.countAfter(shard, position, MAX_COUNTED)),
    );
    for (const count of counts) {
      if (count === undefined) {
        // The oldest of them happened after the last one that was delivered.
        lag.isBehindLog = true;
        lag.ms = Math.max(lag.ms, nowMs - Math.max(deliveredTimeMs, createdMs));
      } else {
        lag.changes += count.changes;
        if (count.oldestMs !== undefined) lag.ms = Math.max(lag.ms, nowMs - count.oldestMs);
      }
    }
    return lag;
  }
}

function isHeld({ name, holder }: Relay): ImstateError {
  const message = `${holder} delivers for the relay ${name}, and nothing was changed: stop it first`;
  return new ImstateError('FAILED_PRECONDITION', message, { field: 'name' });
}

function contended(name: string): ImstateError {
  return new ImstateError(
    'UNAVAILABLE',
    `others keep changing the relay ${name}, and nothing was changed: try again`,
  );
}
