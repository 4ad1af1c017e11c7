import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/endpoints: the registered daemons, and which of them has answered. */
export function endpointsCall({ registry, advertised }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'endpoints',
    role: 'reader',
    parameters: [],
    async answer() {
      const lists = Promise.all([registry.list(), registry.listStores()]);
      const [endpoints, stores] = await lists.catch(registryUnavailable);
      const self = advertised();
      return {
        service: registry.service,
        endpoints: endpoints.map(({ addr }) => ({
          addr,
          self: addr === self,
          storeId: stores.get(addr) ?? null,
        })),
      };
    },
  };
}

/** If etcd rejects the credentials of the daemon, those of the caller are not to blame. */
function registryUnavailable(error: unknown): never {
  if (!(error instanceof ImstateError)) throw error;
  throw new ImstateError('REGISTRY_UNAVAILABLE', error.message, { cause: error });
}
