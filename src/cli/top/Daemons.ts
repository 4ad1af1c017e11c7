import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';
import type { EndpointEvent } from 'imstate-client/internal/connection/endpoints';
import { push } from './series.js';

/** A daemon with its last latencies, oldest first. Milliseconds. */
export type DaemonHealth = EndpointHealth & { latencies: readonly number[] };

/** The registered daemons, by the events of watchEndpoints(). */
export class Daemons {
  readonly #byAddr = new Map<string, EndpointHealth & { latencies: number[] }>();

  take(event: EndpointEvent): void {
    if (event.type === 'list') for (const endpoint of event.endpoints) this.#probed(endpoint);
    else if (event.type === 'removed') this.#byAddr.delete(event.addr);
    else if (event.type !== 'registry') this.#probed(event);
  }

  /** By address. */
  list(): DaemonHealth[] {
    return [...this.#byAddr.values()].sort((a, b) => (a.addr < b.addr ? -1 : 1));
  }

  #probed({ addr, health, latencyMs }: EndpointHealth): void {
    const latencies = this.#byAddr.get(addr)?.latencies ?? [];
    if (latencyMs !== undefined) push(latencies, latencyMs);
    this.#byAddr.set(addr, { addr, health, latencyMs, latencies });
  }
}
