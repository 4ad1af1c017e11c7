import { ImstateError } from 'imstate-client/internal/shared/errors';
import { LIMITS } from './limits.js';
import { broken } from './validate.js';

/** How long a claim lasts that is not renewed: another process takes over within 5 s. Milliseconds. */
export const RELAY_CLAIM_MS = 4_000;

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** A relay as it is stored. Times in milliseconds since 1970, of the store's clock; 0 for never. */
export interface Relay {
  readonly name: string;
  /** One more with every write. */
  readonly version: number;
  /** Where it delivers, without secrets. */
  readonly target: string;
  /** Names the process that delivers; '' before the first. */
  readonly holderId: string;
  /** The same, human-readable. */
  readonly holder: string;
  /** One more with every process that takes over, and with every replay: commits of an earlier one are rejected. */
  readonly fence: number;
  /** When the claim of the process runs out. */
  readonly claimedUntilMs: number;
  /** The changes up to this revision were delivered; '' before the first. */
  readonly revision: string;
  readonly isPaused: boolean;
  /** When the last change happened that was delivered. */
  readonly deliveredTimeMs: number;
  /** How many events were acknowledged, how many attempts failed, and how often snapshots took the place of changes. */
  readonly delivered: number;
  readonly failed: number;
  readonly snapshots: number;
  /** The last failure; '' after a delivery. */
  readonly lastError: string;
  readonly createdMs: number;
}

/** The relays of a store, and its time. */
export interface StoredRelays {
  nowMs: number;
  /** By name. */
  relays: readonly Relay[];
}

/** A process that wants to deliver for a relay. */
export interface RelayClaim {
  name: string;
  holderId: string;
  holder: string;
  target: string;
  /** Where it has to continue if the store lost the relay; '' if it does not know. */
  knownRevision: string;
}

/** What a process has done since its last commit. */
export interface RelayProgress {
  name: string;
  holderId: string;
  fence: number;
  /** '' if it has not advanced. */
  revision: string;
  deliveredTimeMs: number;
  delivered: number;
  failed: number;
  snapshots: number;
  lastError: string;
  /** The target wants no events any more. */
  pauses: boolean;
  /** The process gives its claim up. */
  releases: boolean;
}

/** Throws INVALID_ARGUMENT unless it is a name for a relay. */
export function checkRelayName(name: string): void {
  if (NAME.test(name)) return;
  throw broken('name', 'must be 1 to 63 of a-z, 0-9, ".", "_" and "-", and begin with a letter or a digit');
}

/**
 * The relay once the process has claimed it or renewed its claim; undefined while another process holds it. Throws
 * RESOURCE_EXHAUSTED if there are too many relays.
 */
export function claimRelay({ nowMs, relays }: StoredRelays, claim: RelayClaim): Relay | undefined {
  const { name, holderId, holder, target, knownRevision } = claim;
  const before = relays.find((relay) => relay.name === name);
  if (before === undefined && relays.length >= LIMITS.relays.max) throw tooMany();
  const relay = before ?? newRelay(name, nowMs, knownRevision);
  const isOwn = relay.holderId === holderId;
  if (!isOwn && isClaimed(relay, nowMs)) return undefined;
  return {
    ...relay,
    version: relay.version + 1,
    target,
    holderId,
    holder,
    fence: isOwn ? relay.fence : relay.fence + 1,
    claimedUntilMs: nowMs + RELAY_CLAIM_MS,
  };
}

/** The relay once the progress is committed, which renews the claim. Throws NOT_FOUND, and SUPERSEDED for an old fence. */
export function commitRelay(stored: StoredRelays, progress: RelayProgress): Relay {
  const relay = getRelay(stored, progress.name);
  if (relay.holderId !== progress.holderId || relay.fence !== progress.fence) throw superseded(relay);
  return {
    ...relay,
    version: relay.version + 1,
    claimedUntilMs: stored.nowMs + (progress.releases ? 0 : RELAY_CLAIM_MS),
    revision: progress.revision || relay.revision,
    isPaused: relay.isPaused || progress.pauses,
    deliveredTimeMs: Math.max(relay.deliveredTimeMs, progress.deliveredTimeMs),
    delivered: relay.delivered + progress.delivered,
    failed: relay.failed + progress.failed,
    snapshots: relay.snapshots + progress.snapshots,
    // A renewal knows nothing of deliveries.
    lastError: progress.lastError || (progress.delivered > 0 ? '' : relay.lastError),
  };
}

/** Pauses a relay, or resumes it. Throws NOT_FOUND. */
export function pauseRelay(stored: StoredRelays, name: string, isPaused: boolean): Relay {
  const relay = getRelay(stored, name);
  return { ...relay, version: relay.version + 1, isPaused };
}

/** Makes a relay continue at a revision, whatever it has delivered. Throws NOT_FOUND. */
export function replayRelay(stored: StoredRelays, name: string, revision: string): Relay {
  const relay = getRelay(stored, name);
  return { ...relay, version: relay.version + 1, fence: relay.fence + 1, revision };
}

/** Whether a process holds the relay. A claim that lasts too long is of a clock that was set back since. */
export function isClaimed({ claimedUntilMs }: Relay, nowMs: number): boolean {
  return claimedUntilMs > nowMs && claimedUntilMs <= nowMs + RELAY_CLAIM_MS;
}

/** A relay by its name. Throws NOT_FOUND. */
export function getRelay({ relays }: StoredRelays, name: string): Relay {
  const relay = relays.find((each) => each.name === name);
  if (relay !== undefined) return relay;
  const message = `there is no relay ${JSON.stringify(name)}: imstate relay list shows those there are`;
  throw new ImstateError('NOT_FOUND', message, { field: 'name' });
}

function newRelay(name: string, createdMs: number, revision: string): Relay {
  return {
    name,
    version: 0,
    target: '',
    holderId: '',
    holder: '',
    fence: 0,
    claimedUntilMs: 0,
    revision,
    isPaused: false,
    deliveredTimeMs: 0,
    delivered: 0,
    failed: 0,
    snapshots: 0,
    lastError: '',
    createdMs,
  };
}

function tooMany(): ImstateError {
  const message = `there are ${LIMITS.relays.max} relays, the limit: delete one with imstate relay delete`;
  return new ImstateError('RESOURCE_EXHAUSTED', message);
}

function superseded({ name, holder }: Relay): ImstateError {
  const message = `${holder} delivers for the relay ${name} now, or it was replayed: claim it again`;
  return new ImstateError('FAILED_PRECONDITION', message, { field: 'fence' });
}
