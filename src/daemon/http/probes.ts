import { sendText } from './replies.js';
import type { Route } from './routes.js';

/** What orchestrators ask: whether the process lives, and whether it is to be given calls. Open, as health of gRPC is. */
export function probeRoutes(whyNotReady: () => string | undefined): Route[] {
  return [
    {
      ...{ method: 'GET', path: '/healthz', role: undefined },
      handle: ({ response }) => sendText(response, 200, 'alive\n'),
    },
    {
      ...{ method: 'GET', path: '/readyz', role: undefined },
      handle: ({ response }) => {
        const reason = whyNotReady();
        if (reason === undefined) sendText(response, 200, 'ready\n');
        else sendText(response, 503, `not ready: ${reason}\n`);
      },
    },
  ];
}
