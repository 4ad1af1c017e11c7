import type { ClosedConnections } from '../closedConnections.js';
import type { Family } from './family.js';

/** Connections that the daemon has closed by itself. */
export function connectionFamily(closed: ClosedConnections): Family {
  return {
    ...{ name: 'imstate_connections_closed_total', type: 'counter' },
    help: 'gRPC connections that the daemon closed, by the reason: age, headers or limit.',
    *read() {
      for (const reason of ['age', 'headers', 'limit'] as const)
        yield { labels: { reason }, value: closed[reason] };
    },
  };
}
