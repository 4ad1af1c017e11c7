import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/endpoints: the registered daemons, and which of them has answered. */
export function endpointsCall({ registry, advertised }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'endpoints',
    role: 'reader',
    parameters: [],
    async answer() {
      const [endpoints, stores] = await Promise.all([registry.list(), registry.listStores()]);
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
