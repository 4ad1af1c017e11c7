import type { Registration } from '../registry/registry.js';
import type { StoreHealth } from '../store/store.js';

/**
 * Whether a daemon is ready for calls: from its registration until it stops, while enough shards of its store
 * answer. Each shard holds about as many users as any other.
 */
export class Readiness {
  readonly #neededPercent: number;
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #registration: Pick<Registration, 'refusal'> | undefined;
  /** Undefined before the store is open. */
  #health: StoreHealth | undefined;

  /** `neededPercent` is the share of the store's shards that must answer. */
  constructor(neededPercent: number) {
    this.#neededPercent = neededPercent;
  }

  /** Why the daemon is not ready; undefined if it is. */
  get whyNot(): string | undefined {
    if (this.#phase !== 'serving') return `the daemon is ${this.#phase}`;
    if (this.hasStore) return this.#registration?.refusal?.message;
    if (this.#answering === 0) return 'the store does not answer';
    return `${this.shardsAway}, and ${this.#neededPercent} % must (--ready-shards)`;
  }

  /** Names the shards that do not answer; undefined if all do. */
  get shardsAway(): string | undefined {
    const { shards, unavailable } = this.#health ?? { shards: 0, unavailable: [] };
    if (unavailable.length === 0) return undefined;
    return `${unavailable.length} of ${shards} shards of the store do not answer: ${unavailable.join(', ')}`;
  }

  /** How many shards do not answer. */
  get shardsUnavailable(): number {
    return this.#health?.unavailable.length ?? 0;
  }

  /** True if the store is open and enough of its shards answer. */
  get hasStore(): boolean {
    const { shards = 0 } = this.#health ?? {};
    return this.#answering > 0 && this.#answering * 100 >= shards * this.#neededPercent;
  }

  /**
   * The state of the gRPC health service: true if enough of the store answers and the daemon does not stop.
   */
  get isServing(): boolean {
    return this.hasStore && this.#phase !== 'stopping';
  }

  /** The daemon is registered. */
  begin(registration: Pick<Registration, 'refusal'>): void {
    this.#registration = registration;
    this.#phase = 'serving';
  }

  /** The daemon leaves the registry. */
  end(): void {
    this.#phase = 'stopping';
  }

  /** Notes which shards of the store answer. */
  noteHealth(health: StoreHealth): void {
    this.#health = health;
  }

  get #answering(): number {
    return this.#health ? this.#health.shards - this.#health.unavailable.length : 0;
  }
}
