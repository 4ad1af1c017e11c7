import type { Probe } from 'imstate-client/internal/connection/probe';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/endpoints: the registered daemons, which of them has answered, and on request their health. */
export function endpointsCall({ registry, daemonChecks, advertised }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'endpoints',
    role: 'reader',
    parameters: ['check'],
    async answer(parameters) {
      const isChecked = parameters.flag('check', false);
      const lists = Promise.all([registry.list(), registry.listStores()]);
      const [endpoints, stores] = await lists.catch(registryUnavailable);
      const self = advertised();
      const checks = isChecked ? await daemonChecks.check(endpoints.map(({ addr }) => addr)) : undefined;
      return {
        service: registry.service,
        endpoints: endpoints.map(({ addr }) => ({
          addr,
          self: addr === self,
          storeId: stores.get(addr) ?? null,
          ...healthJson(checks?.get(addr)),
        })),
      };
    },
  };
}

/** The result of a health check; undefined if there was none. */
function healthJson(probe: Partial<Probe> = {}) {
  const { health = null, latencyMs = null, version = null, uptimeMs = null } = probe;
  return { health, latencyMs, version, uptimeMs };
}

/** If etcd rejects the credentials of the daemon, those of the caller are not to blame. */
function registryUnavailable(error: unknown): never {
  if (!(error instanceof ImstateError)) throw error;
  throw new ImstateError('REGISTRY_UNAVAILABLE', error.message, { cause: error });
}
