import { formatHostPort, parseHostPort } from '../address.js';
import { ImstateError } from '../errors.js';
import type { Endpoint, Registry, Watch, WatchListener } from '../registry/registry.js';

/** How a client finds daemons: a registry, or addresses that it was given. */
export type Discovery = Pick<Registry, 'description' | 'scheme' | 'service' | 'list' | 'watch' | 'close'>;

/** Daemons at addresses that are known beforehand. */
export function fixedEndpoints(addresses: string[]): Discovery {
  const endpoints = addresses.map((addr): Endpoint => {
    const parsed = parseHostPort(addr);
    if (parsed !== undefined) return { addr: formatHostPort(parsed), metadata: null };
    throw new ImstateError(
      'INVALID_ARGUMENT',
      `the endpoint "${addr}" must be HOST:PORT, such as 127.0.0.1:8080`,
    );
  });
  return {
    description: addresses.join(','),
    scheme: 'imstate',
    service: 'endpoints',
    list: async () => endpoints,
    watch(listener: WatchListener): Watch {
      queueMicrotask(() => listener.onEndpoints(endpoints));
      return { close: async () => {} };
    },
    close: async () => {},
  };
}

/**
 * How long an emptied list is not believed: a wiped etcd has no entry until the daemons, which serve meanwhile,
 * have registered again.
 */
const DISBELIEF_MS = 10_000;

/** What is known of the endpoints now; sits between a discovery and the resolver of the channel. */
export class EndpointView {
  readonly #discovery: Discovery;
  #endpoints: Endpoint[] | undefined;
  #error: Error | undefined;

  constructor(discovery: Discovery) {
    this.#discovery = discovery;
  }

  /** Follows the discovery for the resolver, which is told no empty list: see {@link missing}. */
  watch(listener: WatchListener): Watch {
    let disbelief: NodeJS.Timeout | undefined;
    const watch = this.#discovery.watch({
      onEndpoints: (endpoints) => {
        clearTimeout(disbelief);
        this.#error = undefined;
        const accept = () => {
          this.#endpoints = endpoints;
          if (endpoints.length > 0) listener.onEndpoints(endpoints);
          else listener.onError(this.#noEndpoint());
        };
        if (endpoints.length > 0 || !this.#endpoints?.length) accept();
        else disbelief = setTimeout(accept, DISBELIEF_MS).unref();
      },
      onError: (error) => {
        this.#error = error;
        listener.onError(error);
      },
    });
    return {
      close: () => {
        clearTimeout(disbelief);
        return watch.close();
      },
    };
  }

  /** Why there is nobody to call; undefined while there is, or while it is not known yet. */
  missing(): ImstateError | undefined {
    if (this.#endpoints === undefined) return this.#error instanceof ImstateError ? this.#error : undefined;
    return this.#endpoints.length === 0 ? this.#noEndpoint() : undefined;
  }

  /** The addresses that calls go to, for messages. */
  get addresses(): string {
    return this.#endpoints?.map(({ addr }) => addr).join(', ') ?? this.#discovery.description;
  }

  #noEndpoint(): ImstateError {
    const { service, description } = this.#discovery;
    return new ImstateError(
      'NO_ENDPOINT',
      `no daemon is registered as ${service} (registry: ${description}): start one with imstate serve, ` +
        'or name one with --endpoint HOST:PORT',
    );
  }
}
