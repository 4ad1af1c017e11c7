import type { Readiness } from '../readiness.js';
import { sendText } from './replies.js';
import type { Route } from './routes.js';

/**
 * What orchestrators ask: whether the process lives, and whether it is to be given calls. Open, as health of gRPC is. Both name
 * the shards of the store that do not answer, also while enough do.
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
