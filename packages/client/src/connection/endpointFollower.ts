import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint, WatchListener } from '../registry/discovery.js';
import type { ImstateError } from '../shared/errors.js';
import { type Probe, type ProbeOptions, probeEndpoint } from './probe.js';

/** A daemon that is registered, and what it answered. */
export interface EndpointHealth extends Probe {
  addr: string;
  /** Identity of its store, in a list; undefined if it publishes none, or has come since the list. */
  storeId?: string | undefined;
}

/** What becomes different of the daemons. */
export type EndpointChange =
  | ({ type: 'added' | 'health' } & EndpointHealth)
  | { type: 'removed'; addr: string }
  /** The registry does not answer: what was told last is the best there is. Without an error it answers again. */
  | { type: 'registry'; error: ImstateError | undefined };

/** How often each daemon is asked for its health while it is watched. */
const PROBE_EVERY_MS = 1_000;

/** Follows each daemon of the list, and keeps what is to be told until it is asked for. */
export class EndpointFollower implements WatchListener {
  readonly #options: ProbeOptions;
  readonly #everyProbe: boolean;
  readonly #followed = new Map<string, AbortController>();
  readonly #events: EndpointChange[] = [];
  #isStopped = false;
  #registryFault = '';
  #wake = () => {};

  /** With `everyProbe` it tells of each, with its latency, also where the health is as before. */
  constructor(endpoints: EndpointHealth[], options: ProbeOptions, everyProbe = false) {
    this.#options = options;
    this.#everyProbe = everyProbe;
    for (const { addr, health } of endpoints) this.#follow(addr, health);
  }

  /** See WatchListener. */
  onEndpoints(endpoints: Endpoint[]): void {
    if (this.#registryFault !== '') this.#tell({ type: 'registry', error: undefined });
    this.#registryFault = '';
    const listed = new Set(endpoints.map(({ addr }) => addr));
    for (const [addr, over] of this.#followed) {
      if (listed.has(addr)) continue;
      over.abort();
      this.#followed.delete(addr);
      this.#tell({ type: 'removed', addr });
    }
    for (const addr of listed) if (!this.#followed.has(addr)) this.#follow(addr, undefined);
  }

  /** See WatchListener: told again and again while it lasts. */
  onError(error: ImstateError): void {
    if (this.#registryFault !== error.message) this.#tell({ type: 'registry', error });
    this.#registryFault = error.message;
  }

  /** The next event; undefined once it is stopped. */
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

  /** Tells when the health is another than before; of a daemon that is new, in any case. */
  async #probe(addr: string, known: Probe['health'] | undefined, over: AbortSignal): Promise<void> {
    for (let before = known; !over.aborted; ) {
      const { fault, ...probe } = await probeEndpoint(addr, { ...this.#options, signal: over });
      if (over.aborted) return;
      const type = before === undefined ? 'added' : 'health';
      // One that has answered until now and drops the connection ends: no matter of TLS, unless TLS itself says so.
      const isNews = before === undefined || before === 'UNREACHABLE' || fault?.code === 'TLS_FAILED';
      if (probe.health !== before || this.#everyProbe)
        this.#tell({ type, addr, ...probe, ...(fault && isNews && { fault }) });
      before = probe.health;
      await delay(PROBE_EVERY_MS, undefined, { signal: over }).catch(() => {});
    }
  }

  #tell(event: EndpointChange): void {
    this.#events.push(event);
    this.#wake();
  }
}
