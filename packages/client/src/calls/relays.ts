import type { RelayState } from '../shared/relay.js';

/** A relay: it delivers changes as events to another system. */
export interface Relay {
  /** Its name. */
  name: string;
  /** Where it delivers, without secrets. */
  target: string;
  /** `STOPPED`: no process delivers; `UNKNOWN`: a state of a later version. */
  state: RelayState | 'UNKNOWN';
  /** The process that delivers or was the last to do so; undefined before the first. */
  holder: string | undefined;
  /** Changes up to this revision were delivered; '' before the first commit. */
  revision: string;
  /** When the last change happened that was delivered. */
  deliveredTime: Date | undefined;
  /** How many events the target has acknowledged. */
  delivered: number;
  /** How many attempts have failed. */
  failed: number;
  /** How often snapshots took the place of changes that were gone. */
  snapshots: number;
  /** Why the last attempt failed; undefined after one that succeeded. */
  lastError: string | undefined;
  /**
   * How many changes are not delivered yet, of which at most 1,000 of each shard are counted. Undefined before the
   * first commit, and except in a list.
   */
  lagChanges: number | undefined;
  /** How long ago the oldest of them happened; 0 if there is none. Milliseconds. */
  lagMs: number | undefined;
  /** Whether changes that were not delivered are gone: snapshots will take their place. */
  isBehindLog: boolean;
  /** When it was created. */
  createTime: Date | undefined;
}

/** A claim of a process to deliver for a relay. */
export interface ClaimRelayRequest {
  /** 1 to 63 of a-z, 0-9, `.`, `_` and `-`. */
  name: string;
  /** Names the process: a UUID, another one for each start. */
  holderId: string;
  /** The same, human-readable. */
  holder: string;
  /** Where it delivers, without secrets. */
  target: string;
  /** Where to continue if the store lost the relay. None by default. */
  knownRevision?: string | undefined;
}

/** The response to a claim. */
export interface ClaimRelayResult {
  /** Whether the process holds the claim; otherwise another one does: try again. */
  claimed: boolean;
  /** The relay. Its revision is where to continue. */
  relay: Relay;
  /** Names the claim in commits. */
  fence: number;
  /** How long the claim lasts from now on. Milliseconds. */
  ttlMs: number;
  /** The identity of the store, a UUID. */
  storeId: string;
}

/** What a process has done since its last commit. */
export interface CommitRelayRequest {
  /** The name of the relay. */
  name: string;
  /** As in the claim. */
  holderId: string;
  /** Of the response to the claim. */
  fence: number;
  /** Changes up to this revision were acknowledged. None by default. */
  revision?: string | undefined;
  /** When the last of them happened. */
  deliveredTime?: Date | undefined;
  /** How many events were acknowledged since the last commit. 0 by default. */
  delivered?: number | undefined;
  /** How many attempts failed since then. 0 by default. */
  failed?: number | undefined;
  /** How often snapshots took the place of changes since then. 0 by default. */
  snapshots?: number | undefined;
  /** Why the last attempt failed. None by default. */
  lastError?: string | undefined;
  /** The target wants no events any more. */
  pause?: boolean | undefined;
  /** Give the claim up: another process may take over at once. */
  release?: boolean | undefined;
}
