import type { EndpointHealth } from 'imstate-client/internal/connection/endpointFollower';
import type { EndpointEvent } from 'imstate-client/internal/connection/endpoints';
import { mixedRegistryWarning } from 'imstate-client/internal/registry/mixedRegistryWarning';

/** Tracks which endpoints are legacy servers, and warns while imstate daemons are registered beside them. */
export class MixedRegistry {
  readonly #health = new Map<string, EndpointHealth['health']>();
  #warning: string | undefined;

  /** The warning for an event; undefined if there is none, or it was given before. */
  note(event: EndpointEvent): string | undefined {
    if (event.type === 'registry') return undefined;
    if (event.type === 'removed') this.#health.delete(event.addr);
    else
      for (const { addr, health } of event.type === 'list' ? event.endpoints : [event])
        this.#set(addr, health);
    const before = this.#warning;
    this.#warning = this.#current();
    return this.#warning === before ? undefined : this.#warning;
  }

  /** An unreachable endpoint is what it was when it answered. */
  #set(addr: string, health: EndpointHealth['health']): void {
    if (health !== 'UNREACHABLE') this.#health.set(addr, health);
  }

  #current(): string | undefined {
    const legacy = [...this.#health].filter(([, health]) => health === 'UNKNOWN').map(([addr]) => addr);
    if (legacy.length === 0 || legacy.length === this.#health.size) return undefined;
    return mixedRegistryWarning(legacy);
  }
}
