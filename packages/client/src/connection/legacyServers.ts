import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint } from '../registry/discovery.js';
import { sameEndpoints } from '../registry/entry.js';
import type { StoreIds } from '../registry/storeIds.js';
import type { Probe } from './probe.js';

/** Checks the health of one endpoint; never rejects. */
export type ProbeHealth = (addr: string, signal: AbortSignal) => Promise<Pick<Probe, 'health'>>;

/** Dependencies of {@link LegacyServers}. */
interface LegacyServersOptions {
  probe: ProbeHealth;
  /** The identities of stores in the registry: only imstate daemons publish one. */
  listStores(): Promise<StoreIds>;
  /** Called when the endpoints for calls have changed. */
  onPreferred(endpoints: Endpoint[]): void;
}

/** Interval of the health checks while some endpoints are excluded. */
const PROBE_INTERVAL_MS = 5_000;
/** A daemon that served this recently counts as serving: it may be restarting. */
const SERVED_RECENTLY_MS = 10_000;
/** Minimum interval of the health checks while no endpoint serves PresenceService and there are calls. */
const ALL_LEGACY_INTERVAL_MS = 1_000;
/** How long to wait for the other responses once one has changed the preferred endpoints. */
const SETTLE_MS = 100;

/**
 * Keeps calls away from legacy servers, which serve only pb.UserStatus and know other users, as long as
 * another endpoint serves PresenceService. The health checks start when a server has answered UNIMPLEMENTED.
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

  /** How often the preferred endpoints have changed because of health checks. */
  get generation(): number {
    return this.#generation;
  }

  /** True if no endpoint served PresenceService at the last health checks. */
  get isAllLegacy(): boolean {
    return this.#isAllLegacy;
  }

  /** Sets a new list of endpoints; returns those for calls. */
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
   * Whether a call that failed with UNIMPLEMENTED should be repeated: it would go to other endpoints than at
   * `generation`, when it started.
   */
  async hasOthers(generation: number): Promise<boolean> {
    if (generation !== this.#generation) return true;
    if (this.#isAllLegacy && performance.now() < this.#probeAgainAt) return false;
    this.#probing ??= this.#probeAll().finally(() => {
      this.#probing = undefined;
    });
    // While there are only legacy servers, a silent server must not delay each call.
    if (this.#isAllLegacy) return false;
    await this.#probing;
    return generation !== this.#generation;
  }

  /** Stops the health checks until the next list of endpoints. */
  close(): void {
    this.#closed.abort();
    this.#probeRegularly(false);
  }

  /**
   * Checks all endpoints. Resolves when all have responded, or soon after one changed the preferred
   * endpoints.
   */
  async #probeAll(): Promise<void> {
    const { generation } = this;
    const { signal } = this.#closed;
    setMaxListeners(0, signal);
    const changed = new AbortController();
    const checks = this.#endpoints.map(async ({ addr }) => {
      const { health } = await this.#options.probe(addr, signal);
      this.#note(addr, health);
      if (generation !== this.#generation) changed.abort();
    });
    const soonAfter = new Promise<void>((resolve) => {
      changed.signal.addEventListener('abort', () => void delay(SETTLE_MS).then(resolve), { once: true });
    });
    await Promise.race([Promise.all(checks).then(() => this.#conclude()), soonAfter]);
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

  /** All have responded. A silent imstate daemon stays in the registry until its lease expires. */
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

  /** A daemon may replace a legacy server at the same address, and the last daemon may disappear. */
  #probeRegularly(isOn: boolean): void {
    if (isOn === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = isOn ? setInterval(() => void this.#probeAll(), PROBE_INTERVAL_MS).unref() : undefined;
  }
}
