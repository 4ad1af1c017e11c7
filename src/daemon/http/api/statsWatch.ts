import type { ApiCall, ApiParts } from './apiCall.js';
import { StatsSampler } from './statsSampler.js';

/** GET /api/v1/stats/watch: what is online and how much changes, every second, as server-sent events. */
export function statsWatchCall({ presence, hub, streams, log }: ApiParts): ApiCall {
  const sampler = new StatsSampler(presence, hub, log);
  return {
    method: 'GET',
    name: 'stats/watch',
    role: 'reader',
    isStream: true,
    parameters: [],
    async answer(_, exchange) {
      const stream = streams.open(exchange);
      stream.onClose(sampler.follow((events) => stream.isBusy || stream.send(events)));
      return undefined;
    },
  };
}
