import type { MetricsParts } from '../observability/metrics/metrics.js';
import type { Readiness } from '../readiness.js';
import type { ApiParts } from './api/apiCall.js';
import { logLevelRoutes } from './logLevel.js';
import { probeRoutes } from './probes.js';
import { type HttpOptions, type HttpParts, HttpServer } from './server.js';
import { TrustedProxies } from './trustedProxies.js';

/** What {@link openHttp} serves. */
interface OpenParts extends Omit<HttpParts, 'routes' | 'onClose' | 'onEndStreams' | 'origins' | 'proxies'> {
  options: Pick<HttpOptions, 'origins' | 'trustedProxies'>;
  readiness: Readiness;
  metrics: MetricsParts;
  web: Omit<ApiParts, 'streams'>;
}

/**
 * Makes the HTTP server with all its routes; it does not listen yet. Its modules are loaded only if it is
 * used.
 */
export async function openHttp({ readiness, options, ...parts }: OpenParts): Promise<HttpServer> {
  const [{ Metrics }, { makeWeb }] = await Promise.all([
    import('../observability/metrics/metrics.js'),
    import('./web.js'),
  ]);
  const [metrics, web] = await Promise.all([Metrics.make(parts.metrics), makeWeb(parts.web)]);
  const routes = [...probeRoutes(readiness), metrics.route, ...logLevelRoutes(parts.log), ...web.routes];
  return new HttpServer({
    ...parts,
    routes,
    origins: options.origins ?? [],
    proxies: new TrustedProxies(options.trustedProxies),
    onEndStreams: () => web.close(),
    onClose: () => metrics.close(),
  });
}
