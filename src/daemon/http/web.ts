import type { ApiParts } from './api/apiCall.js';
import { apiRoutes } from './api/calls.js';
import { descriptionRoute } from './api/description.js';
import { EventStreams } from './api/eventStreams.js';
import { consoleRoutes } from './console/consoleRoutes.js';
import type { Route } from './routes.js';

/** The HTTP API, and the web console that uses it. */
export interface Web {
  routes: Route[];
  /** Ends the event streams. May be called twice. */
  close(): void;
}

/** Makes both on the core that the gRPC services use. */
export async function makeWeb(parts: Omit<ApiParts, 'streams'>): Promise<Web> {
  const streams = new EventStreams(parts.log);
  const routes = [...apiRoutes({ ...parts, streams }), await descriptionRoute(), ...(await consoleRoutes())];
  return { routes, close: () => streams.close() };
}
