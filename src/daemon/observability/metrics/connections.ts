import type { ConnectionCounts } from '../../overload/connectionCounts.js';
import { type Family, one } from './family.js';

/** What the daemon has done to gRPC connections on its own. */
export function connectionFamilies(counts: ConnectionCounts): Family[] {
  return [
    {
      name: 'imstate_connections_closed_total',
      type: 'counter',
      help: 'gRPC connections that the daemon closed, by reason: age, headers or limit.',
      *read() {
        for (const [reason, value] of Object.entries(counts.closed)) yield { labels: { reason }, value };
      },
    },
    one(
      'counter',
      'imstate_headers_refused_total',
      'Calls that HTTP/2 rejected before they began, because of their headers.',
      () => counts.refusedHeaders,
    ),
  ];
}
