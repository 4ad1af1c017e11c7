import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from '../registry/discovery.js';
import { sameEndpoints } from '../registry/entry.js';
import type { StoreIds } from '../registry/stores.js';
import type { Probe } from './probe.js';

/** Asks one endpoint for its health; never rejects. */
export type ProbeHealth = (addr: string, signal: AbortSignal) => Promise<Pick<Probe, 'health'>>;

/** How {@link LegacyServers} learns about endpoints, and who uses what it learns. */
interface LegacyServersOptions {
  probe: ProbeHealth;
  /** The identities of stores in the registry: only imstate daemons publish one. */
  listStores(): Promise<StoreIds>;
  /** The endpoints that calls should go to have changed. */
  onPreferred(endpoints: Endpoint[]): void;
}

/** How often all endpoints are asked again while some are left out. */
const PROBE_INTERVAL_MS = 5_000;
/** A daemon that served so recently counts as serving: it may only be restarting. */
const SERVED_RECENTLY_MS = 10_000;
/** How often all endpoints are asked again while none serves PresenceService, as long as there are calls. */
const ALL_LEGACY_INTERVAL_MS = 1_000;
/** How long the other answers are waited for once one has changed the preferred endpoints. */
const SETTLE_MS = 100;

/**
 * Keeps calls away from legacy servers, which serve only pb.UserStatus and know other users, as long as another
 * endpoint serves PresenceService. Nothing is asked before a server has answered UNIMPLEMENTED.
 */
export class LegacyServers {
  readonly #options: LegacyServersOptions;
  readonly #legacy = new Set<string>();
  readonly #servedAt = new Map<string, number>();
  #stores: StoreIds = new Map();
  #endpoints: Endpoint[] = [];
  #preferred: Endpoint[] = [];
  #generation = 0;
  #probeAgainAt = 0;
  #isAllLegacy = false;
  #probing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = new AbortController();

  constructor(options: LegacyServersOptions) {
    this.#options = options;
  }

  /** How often the answers of endpoints have changed the preferred ones. */
  get generation(): number {
    return this.#generation;
  }

  /** True if, by the last answers, no endpoint serves PresenceService. */
  get isAllLegacy(): boolean {
    return this.#isAllLegacy;
  }

  /** Takes a new list of endpoints; returns those that calls should go to. */
  prefer(endpoints: Endpoint[]): Endpoint[] {
    const listed = new Set(endpoints.map(({ addr }) => addr));
    for (const addr of this.#legacy) if (!listed.has(addr)) this.#legacy.delete(addr);
    for (const addr of this.#servedAt.keys()) if (!listed.has(addr)) this.#servedAt.delete(addr);
    this.#endpoints = endpoints;
    this.#isAllLegacy = false;
    if (this.#closed.signal.aborted) this.#closed = new AbortController();
    this.#update();
    if (this.#legacy.size > 0) void this.#probeAll();
    return this.#preferred;
  }

  /**
   * Whether a call that was answered UNIMPLEMENTED should be made again: it would now go to other endpoints than
   * at `generation`, when it was made.
   */
  async hasOthers(generation: number): Promise<boolean> {
    if (generation !== this.#generation) return true;
    if (this.#isAllLegacy && performance.now() < this.#probeAgainAt) return false;
    this.#probing ??= this.#probeAll().finally(() => {
      this.#probing = undefined;
    });
    // While nothing else is known, a server that does not answer must not delay each call.
    if (this.#isAllLegacy) return false;
    await this.#probing;
    return generation !== this.#generation;
  }

  /** Ends all probes, until there is another list of endpoints. */
  close(): void {
    this.#closed.abort();
    this.#probeRegularly(false);
  }

  /** Asks all endpoints. Resolves when all have answered, or soon after an answer has changed the preferred ones. */
  async #probeAll(): Promise<void> {
    const { generation } = this;
    const { signal } = this.#closed;
    setMaxListeners(0, signal);
    const changed = new AbortController();
    const asked = this.#endpoints.map(async ({ addr }) => {
      const { health } = await this.#options.probe(addr, signal);
      this.#note(addr, health);
      if (generation !== this.#generation) changed.abort();
    });
    const soonAfter = new Promise<void>((resolve) => {
      changed.signal.addEventListener('abort', () => void delay(SETTLE_MS).then(resolve), { once: true });
    });
    await Promise.race([Promise.all(asked).then(() => this.#conclude()), soonAfter]);
  }

  #note(addr: string, health: Probe['health']): void {
    if (!this.#endpoints.some((endpoint) => endpoint.addr === addr)) return;
    if (health === 'UNREACHABLE') return;
    if (health === 'UNKNOWN') {
      this.#legacy.add(addr);
      this.#servedAt.delete(addr);
    } else {
      this.#legacy.delete(addr);
      this.#servedAt.set(addr, performance.now());
    }
    this.#publish();
  }

  /** All have answered. An imstate daemon that does not answer is still in the registry until its lease ends. */
  async #conclude(): Promise<void> {
    const isServed = this.#endpoints.some(({ addr }) => this.#serves(addr));
    this.#stores = isServed ? new Map() : await this.#options.listStores().catch(() => new Map());
    this.#publish();
    this.#isAllLegacy = !this.#endpoints.some(({ addr }) => this.#serves(addr));
    this.#probeAgainAt = performance.now() + ALL_LEGACY_INTERVAL_MS;
  }

  #serves(addr: string): boolean {
    if (this.#legacy.has(addr)) return false;
    const servedAt = this.#servedAt.get(addr) ?? Number.NEGATIVE_INFINITY;
    return performance.now() - servedAt < SERVED_RECENTLY_MS || this.#stores.has(addr);
  }

  #publish(): void {
    if (!this.#update()) return;
    this.#generation += 1;
    this.#options.onPreferred(this.#preferred);
  }

  /** Returns whether the preferred endpoints have changed. */
  #update(): boolean {
    const isServed = this.#endpoints.some(({ addr }) => this.#serves(addr));
    const others = this.#endpoints.filter(({ addr }) => !this.#legacy.has(addr));
    const preferred = isServed ? others : this.#endpoints;
    if (isServed) this.#isAllLegacy = false;
    this.#probeRegularly(preferred.length < this.#endpoints.length);
    if (sameEndpoints(preferred, this.#preferred)) return false;
    this.#preferred = preferred;
    return true;
  }

  /** A legacy server may be replaced by a daemon at the same address, and the last daemon may go. */
  #probeRegularly(isOn: boolean): void {
    if (isOn === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = isOn ? setInterval(() => void this.#probeAll(), PROBE_INTERVAL_MS).unref() : undefined;
  }
}
