import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { WatchBacklog } from './backlog.js';

/** What a watch follows: users, chat servers, or everything. */
export interface WatchScope {
  readonly userIds: { readonly size: number } | undefined;
  readonly serverAddrs: { readonly size: number } | undefined;
}

/**
 * The weight of a watch in --max-watches: one per this many users or chat servers, or this for everything.
 */
const EVERYTHING_WEIGHT = 10;
const USERS_PER_WEIGHT = 1_000;
const SERVERS_PER_WEIGHT = 100;
/**
 * The memory of an ID that a watch names, without its text: in the set of the watch and in the index of the
 * daemon. Bytes, as measured.
 */
const NAME_BYTES = 160;
/** The share of --max-watch-backlog that the IDs of watches may take. */
const NAMES_PART = 0.5;

/** The weight of a watch in --max-watches. */
export function weightOf({ userIds, serverAddrs }: WatchScope): number {
  if (userIds) return Math.max(1, Math.ceil(userIds.size / USERS_PER_WEIGHT));
  if (serverAddrs) return Math.ceil(serverAddrs.size / SERVERS_PER_WEIGHT);
  return EVERYTHING_WEIGHT;
}

/** The memory of the IDs that a watch names. Bytes, estimated. */
export function namesBytes(names: Iterable<string>): number {
  let bytes = 0;
  for (const name of names) bytes += NAME_BYTES + name.length;
  return bytes;
}

/** The open watches of a daemon, within its limits. */
export class AdmittedWatches {
  readonly #maxWeight: number;
  readonly #maxNamesBytes: number;
  readonly #backlog: WatchBacklog;
  #weight = 0;
  #namesBytes = 0;

  constructor(maxWatches: number, maxBacklogBytes: number, backlog: WatchBacklog) {
    this.#maxWeight = maxWatches;
    this.#maxNamesBytes = maxBacklogBytes * NAMES_PART;
    this.#backlog = backlog;
  }

  /** The weight of the open watches in --max-watches. */
  get weight(): number {
    return this.#weight;
  }

  /** Admits a watch, or the growth of one. Throws RESOURCE_EXHAUSTED if there is no room. */
  take(weight: number, namesBytes: number): void {
    // A watch that exceeds the limit alone is admitted while there is no other.
    if (weight > 0 && this.#weight > 0 && this.#weight + weight > this.#maxWeight) {
      throw noRoom(
        `the watches of the daemon count as ${this.#weight} of ${this.#maxWeight} (--max-watches), ` +
          `and this one adds ${weight}`,
      );
    }
    if (namesBytes > 0 && this.#namesBytes + namesBytes > this.#maxNamesBytes) {
      throw noRoom(
        `the IDs of watched users and servers take ${this.#namesBytes} of ${this.#maxNamesBytes} bytes ` +
          '(half of --max-watch-backlog)',
      );
    }
    this.#add(weight, namesBytes);
  }

  /** Releases what {@link take} admitted. */
  giveBack(weight: number, namesBytes: number): void {
    this.#add(-weight, -namesBytes);
  }

  #add(weight: number, namesBytes: number): void {
    this.#weight += weight;
    this.#namesBytes += namesBytes;
    this.#backlog.add(namesBytes);
  }
}

/** The part of one watch in {@link AdmittedWatches}. */
export class AdmittedShare {
  readonly #admitted: AdmittedWatches;
  #weight = 0;
  #namesBytes = 0;

  constructor(admitted: AdmittedWatches) {
    this.#admitted = admitted;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Sets the weight, and adds IDs or removes some. Throws RESOURCE_EXHAUSTED if there is no room. */
  resize(weight: number, moreNamesBytes: number): void {
    const moreWeight = weight - this.#weight;
    this.#admitted.take(Math.max(0, moreWeight), Math.max(0, moreNamesBytes));
    this.#admitted.giveBack(Math.max(0, -moreWeight), Math.max(0, -moreNamesBytes));
    this.#weight = weight;
    this.#namesBytes += moreNamesBytes;
  }

  /** Releases everything. */
  giveBack(): void {
    this.#admitted.giveBack(this.#weight, this.#namesBytes);
    this.#weight = 0;
    this.#namesBytes = 0;
  }
}

function noRoom(why: string): ImstateError {
  return new ImstateError('RESOURCE_EXHAUSTED', `${why}: try again later, or use another daemon`);
}
