import type { Registry as PromRegistry } from 'prom-client';
import type { Registration } from '../../../registry/registry.js';
import type { PresenceStore } from '../../../store/store.js';
import type { AuditTrail } from '../../audit/auditTrail.js';
import { sendText } from '../../http/replies.js';
import type { Route } from '../../http/routes.js';
import type { ConnectionCounts } from '../../overload/connectionCounts.js';
import type { MalformedRequests } from '../../overload/malformedRequests.js';
import type { Policies } from '../../policies.js';
import type { Readiness } from '../../readiness.js';
import type { Relays } from '../../relays.js';
import type { Sweeper } from '../../sweeper.js';
import type { WatchHub } from '../../watch/hub.js';
import type { CallCounts } from '../callCounts.js';
import type { ServerEvents } from '../serverEvents.js';
import type { SessionCounters } from '../sessionCounters.js';
import { auditFamilies } from './audit.js';
import { callFamilies, operationFamilies } from './calls.js';
import { connectionFamilies } from './connections.js';
import { type Family, one, toMetric } from './family.js';
import { presenceFamilies } from './presence.js';
import { ProcessFamilies } from './process.js';
import { relayFamilies } from './relays.js';
import { type StoreSteps, storeFamilies } from './store.js';
import { watchFamilies } from './watch.js';

/** What is measured. */
export interface MetricsParts {
  counts: CallCounts;
  store: PresenceStore;
  policies: Policies;
  relays: Relays;
  steps: StoreSteps;
  readiness: Readiness;
  sweeper: Sweeper;
  counters: SessionCounters;
  serverEvents: ServerEvents;
  hub: WatchHub;
  connectionCounts: ConnectionCounts;
  malformedRequests: MalformedRequests;
  audit: AuditTrail;
  /** Undefined before the daemon is registered. */
  registration(): Registration | undefined;
  /** How many files and URLs of credentials cannot be used now: their previous content stays in force. */
  staleCredentials(): number;
  /** Since the start of the daemon. */
  droppedLogLines(): number;
}

/** What Prometheus reads at /metrics. Everything is read and formatted on demand. */
export class Metrics {
  readonly #process = new ProcessFamilies();
  readonly #registry: PromRegistry;

  /** prom-client is loaded only if there are metrics. */
  static async make(parts: MetricsParts): Promise<Metrics> {
    const { Registry } = await import('prom-client');
    return new Metrics(parts, new Registry());
  }

  private constructor(parts: MetricsParts, registry: PromRegistry) {
    this.#registry = registry;
    for (const family of this.#families(parts)) registry.registerMetric(toMetric(family));
  }

  /** Requires the role that may also read the store. */
  get route(): Route {
    return {
      method: 'GET',
      path: '/metrics',
      role: 'reader',
      handle: async ({ response }) => {
        const text = await this.#registry.metrics();
        sendText(response, 200, text, 'text/plain; version=0.0.4');
      },
    };
  }

  close(): void {
    this.#process.close();
  }

  #families(parts: MetricsParts): Family[] {
    const { counts, store, counters, policies, relays, steps, sweeper, readiness, hub } = parts;
    const { registration, staleCredentials, droppedLogLines } = parts;
    return [
      ...operationFamilies(counts),
      ...callFamilies(counts),
      ...connectionFamilies(parts.connectionCounts),
      one(
        'counter',
        'imstate_requests_malformed_total',
        'Requests that HTTP/2 reset as malformed, on connections without any other request.',
        () => parts.malformedRequests.total,
      ),
      ...presenceFamilies(store, counters, policies),
      ...relayFamilies(relays),
      one(
        'counter',
        'imstate_servers_superseded_total',
        'Keep-alives of chat servers whose address another process has taken over.',
        () => parts.serverEvents.superseded,
      ),
      ...storeFamilies(steps, sweeper, readiness),
      ...watchFamilies(hub),
      ...auditFamilies(parts.audit),
      one(
        'gauge',
        'imstate_registered',
        '1 while the entry of this daemon is in the registry, else 0.',
        () => (registration()?.isRegistered ? 1 : 0),
      ),
      one(
        'gauge',
        'imstate_registry_other_stores',
        'Other stores that daemons of this registry use. Must be 0.',
        () => registration()?.otherStores ?? 0,
      ),
      one(
        'gauge',
        'imstate_credentials_stale',
        'Files and URLs of credentials that cannot be used now. Their previous content stays in force.',
        staleCredentials,
      ),
      one(
        'counter',
        'imstate_log_lines_dropped_total',
        'Log lines that were dropped because nobody read them.',
        droppedLogLines,
      ),
      ...this.#process.families(),
    ];
  }
}
