import type { Readiness } from '../readiness.js';
import { sendText } from './replies.js';
import type { Route } from './routes.js';

/**
 * For orchestrators: whether the process lives, and whether it is ready. Open to everybody, like health in
 * gRPC. Both name the shards of the store that do not answer, even if the daemon is ready.
 */
export function probeRoutes(readiness: Pick<Readiness, 'whyNot' | 'shardsAway'>): Route[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      role: undefined,
      handle: ({ response }) => sendText(response, 200, withShards('alive', readiness)),
    },
    {
      method: 'GET',
      path: '/readyz',
      role: undefined,
      handle: ({ response }) => {
        const reason = readiness.whyNot;
        if (reason === undefined) sendText(response, 200, withShards('ready', readiness));
        else sendText(response, 503, `not ready: ${reason}\n`);
      },
    },
  ];
}

function withShards(state: string, { shardsAway }: Pick<Readiness, 'shardsAway'>): string {
  return shardsAway === undefined ? `${state}\n` : `${state}, but ${shardsAway}\n`;
}
