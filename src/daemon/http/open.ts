import type { MetricsParts } from '../metrics/metrics.js';
import type { Readiness } from '../readiness.js';
import { logLevelRoutes } from './logLevel.js';
import { probeRoutes } from './probes.js';
import { type HttpParts, HttpServer } from './server.js';

/** What {@link openHttp} serves. */
interface OpenParts extends Omit<HttpParts, 'routes' | 'onClose'> {
  readiness: Readiness;
  metrics: MetricsParts;
}

/** Makes the server of HTTP with everything it serves; it does not listen yet. What it needs is loaded here, and only then. */
export async function openHttp({ readiness, metrics: parts, ...server }: OpenParts): Promise<HttpServer> {
  const { Metrics } = await import('../metrics/metrics.js');
  const metrics = await Metrics.make(parts);
  const routes = [...probeRoutes(() => readiness.whyNot), metrics.route, ...logLevelRoutes(server.log)];
  return new HttpServer({ ...server, routes, onClose: () => metrics.close() });
}
