import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint, WatchListener } from '../registry/discovery.js';
import type { ImstateError } from '../shared/errors.js';
import { type Probe, type ProbeOptions, probeEndpoint } from './probe.js';

/** An endpoint and the health of its daemon. */
export interface EndpointHealth extends Probe {
  addr: string;
  /** Identity of its store, in a list; undefined if it publishes none, or was added after the list. */
  storeId?: string | undefined;
}

/** A change of the endpoints. */
export type EndpointChange =
  | ({ type: 'added' | 'health' } & EndpointHealth)
  | { type: 'removed'; addr: string }
  /** The registry does not respond, and the last list remains in use. Without an error it responds again. */
  | { type: 'registry'; error: ImstateError | undefined };

/** Interval of the health checks of each daemon. */
const PROBE_INTERVAL_MS = 1_000;

/** Checks the health of each endpoint of the list, and queues the changes. */
export class EndpointFollower implements WatchListener {
  readonly #options: ProbeOptions;
  readonly #everyProbe: boolean;
  readonly #followed = new Map<string, AbortController>();
  readonly #events: EndpointChange[] = [];
  #isStopped = false;
  #registryFault = '';
  #wake = () => {};

  /** With `everyProbe`, each health check is an event with its latency, even if the health is unchanged. */
  constructor(endpoints: EndpointHealth[], options: ProbeOptions, everyProbe = false) {
    this.#options = options;
    this.#everyProbe = everyProbe;
    for (const { addr, health } of endpoints) this.#follow(addr, health);
  }

  /** See WatchListener. */
  onEndpoints(endpoints: Endpoint[]): void {
    if (this.#registryFault !== '') this.#emit({ type: 'registry', error: undefined });
    this.#registryFault = '';
    const listed = new Set(endpoints.map(({ addr }) => addr));
    for (const [addr, over] of this.#followed) {
      if (listed.has(addr)) continue;
      over.abort();
      this.#followed.delete(addr);
      this.#emit({ type: 'removed', addr });
    }
    for (const addr of listed) if (!this.#followed.has(addr)) this.#follow(addr, undefined);
  }

  /** See WatchListener. A lasting error is reported repeatedly. */
  onError(error: ImstateError): void {
    if (this.#registryFault !== error.message) this.#emit({ type: 'registry', error });
    this.#registryFault = error.message;
  }

  /** The next event; undefined after stop(). */
  async next(): Promise<EndpointChange | undefined> {
    while (this.#events.length === 0 && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#isStopped ? undefined : this.#events.shift();
  }

  stop(): void {
    this.#isStopped = true;
    for (const over of this.#followed.values()) over.abort();
    this.#wake();
  }

  #follow(addr: string, known: Probe['health'] | undefined): void {
    const over = new AbortController();
    this.#followed.set(addr, over);
    void this.#probe(addr, known, over.signal);
  }

  /** Emits an event when the health changes, and for a new endpoint. */
  async #probe(addr: string, known: Probe['health'] | undefined, over: AbortSignal): Promise<void> {
    for (let before = known; !over.aborted; ) {
      const { fault, ...probe } = await probeEndpoint(addr, { ...this.#options, signal: over });
      if (over.aborted) return;
      const type = before === undefined ? 'added' : 'health';
      // A daemon that responded until now and drops the connection is stopping. TLS is to blame only if it
      // says so.
      const isTlsRelated = before === undefined || before === 'UNREACHABLE' || fault?.code === 'TLS_FAILED';
      if (probe.health !== before || this.#everyProbe)
        this.#emit({ type, addr, ...probe, ...(fault && isTlsRelated && { fault }) });
      before = probe.health;
      await delay(PROBE_INTERVAL_MS, undefined, { signal: over }).catch(() => {});
    }
  }

  #emit(event: EndpointChange): void {
    this.#events.push(event);
    this.#wake();
  }
}
