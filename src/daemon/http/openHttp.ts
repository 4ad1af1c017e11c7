import { Metrics, type MetricsParts } from '../observability/metrics/metrics.js';
import type { Readiness } from '../readiness.js';
import type { ApiParts } from './api/apiCall.js';
import { apiRoutes } from './api/calls.js';
import { descriptionRoute } from './api/description.js';
import { EventStreams } from './api/eventStreams.js';
import { consoleRoutes } from './console/consoleRoutes.js';
import { logLevelRoutes } from './logLevel.js';
import { probeRoutes } from './probes.js';
import { type HttpOptions, type HttpParts, HttpServer } from './server.js';
import { TrustedProxies } from './trustedProxies.js';

/** What {@link openHttp} serves. */
interface OpenParts extends Omit<HttpParts, 'routes' | 'onClose' | 'onEndStreams' | 'origins' | 'proxies'> {
  options: Pick<HttpOptions, 'origins' | 'trustedProxies'>;
  readiness: Readiness;
  metrics: MetricsParts;
  /** For the HTTP API, which the web console uses: the core that the gRPC services use. */
  web: Omit<ApiParts, 'streams'>;
}

/** Makes the HTTP server with all its routes; it does not listen yet. */
export async function openHttp({ readiness, options, web, ...parts }: OpenParts): Promise<HttpServer> {
  const metrics = await Metrics.make(parts.metrics);
  const streams = new EventStreams(web.log);
  const routes = [
    ...probeRoutes(readiness),
    metrics.route,
    ...logLevelRoutes(parts.log),
    ...apiRoutes({ ...web, streams }),
    await descriptionRoute(),
    ...(await consoleRoutes()),
  ];
  return new HttpServer({
    ...parts,
    routes,
    origins: options.origins ?? [],
    proxies: new TrustedProxies(options.trustedProxies),
    onEndStreams: () => streams.close(),
    onClose: () => metrics.close(),
  });
}
