import type { Endpoint, ServiceDiscovery, Watch, WatchListener } from '../registry/discovery.js';
import { formatHostPort, parseHostPort } from '../shared/address.js';
import { ImstateError } from '../shared/errors.js';

/** How a client finds daemons: a registry, or fixed addresses. */
export interface Discovery extends Omit<ServiceDiscovery, 'service'> {
  /** The name under which the daemons register; undefined for fixed addresses. */
  readonly service: string | undefined;
}

/** Daemons at fixed addresses. Throws INVALID_ARGUMENT for an address that is not `host:port`. */
export function fixedEndpoints(addresses: string[]): Discovery {
  const endpoints = addresses.map((addr): Endpoint => {
    const parsed = parseHostPort(addr);
    if (parsed !== undefined) return { addr: formatHostPort(parsed), metadata: null };
    throw new ImstateError(
      'INVALID_ARGUMENT',
      `the endpoint "${addr}" must be HOST:PORT, such as 127.0.0.1:8080`,
      { field: 'endpoints' },
    );
  });
  return {
    description: addresses.join(','),
    scheme: 'imstate',
    service: undefined,
    list: async () => endpoints,
    listStores: async () => new Map(),
    watch(listener: WatchListener): Watch {
      queueMicrotask(() => listener.onEndpoints(endpoints));
      return { close: async () => {} };
    },
    close: async () => {},
  };
}
