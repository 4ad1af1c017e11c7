import { isIP } from 'node:net';
import type { Endpoint, ServiceDiscovery, Watch, WatchListener } from '../registry/discovery.js';
import { formatHostPort, isHostPort, parseHostPort } from '../shared/address.js';
import { ImstateError } from '../shared/errors.js';
import { LegacyServers, type ProbeHealth } from './legacyServers.js';

/** How a client finds daemons: a registry, or addresses that it was given. */
export interface Discovery extends Omit<ServiceDiscovery, 'service'> {
  /** The name under which the daemons are registered; undefined for addresses that were given. */
  readonly service: string | undefined;
}

/** Daemons at addresses that are known beforehand. */
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

/**
 * How long an emptied list is not believed: a wiped etcd has no entry until the daemons, which serve meanwhile,
 * have registered again.
 */
const DISBELIEF_MS = 10_000;

/** What is known of the endpoints now; sits between a discovery and the resolver of the channel. */
export class EndpointView {
  readonly #discovery: Discovery;
  readonly #listeners = new Set<(error: ImstateError) => void>();
  #endpoints: Endpoint[] | undefined;
  #error: ImstateError | undefined;
  /** Entries whose address nobody can dial, and addresses that the token must not go to. */
  #unusable = 0;
  #untold: string[] = [];
  readonly #mayDial: (host: string) => boolean;
  readonly #legacyServers: LegacyServers;
  #listener: WatchListener | undefined;

  /** `mayDial` says whether a token may be sent there; `probe` asks an endpoint for its health. */
  constructor(discovery: Discovery, mayDial: (host: string) => boolean, probe: ProbeHealth) {
    this.#discovery = discovery;
    this.#mayDial = mayDial;
    this.#legacyServers = new LegacyServers({
      probe,
      listStores: () => discovery.listStores(),
      onPreferred: (endpoints) => this.#listener?.onEndpoints(endpoints),
    });
  }

  /** Which endpoints calls do not go to, as long as another one serves PresenceService. */
  get legacyServers(): Pick<LegacyServers, 'generation' | 'hasOthers' | 'isAllLegacy'> {
    return this.#legacyServers;
  }

  /** Follows the discovery for the resolver, which is told no empty list: see {@link missing}. */
  watch(listener: WatchListener): Watch {
    this.#listener = listener;
    let disbelief: NodeJS.Timeout | undefined;
    const watch = this.#discovery.watch({
      onEndpoints: (endpoints) => {
        clearTimeout(disbelief);
        this.#error = undefined;
        const dialable = endpoints.filter(({ addr }) => isHostPort(addr));
        const usable = dialable.filter((endpoint) => this.#mayTell(endpoint));
        const accept = () => {
          this.#endpoints = usable;
          this.#unusable = endpoints.length - dialable.length;
          this.#untold = dialable.filter((endpoint) => !this.#mayTell(endpoint)).map(({ addr }) => addr);
          if (usable.length > 0) listener.onEndpoints(this.#legacyServers.prefer(usable));
          else listener.onError(this.#noEndpoint());
          this.#tellMissing();
        };
        if (usable.length > 0 || !this.#endpoints?.length) accept();
        else disbelief = setTimeout(accept, DISBELIEF_MS).unref();
      },
      onError: (error) => {
        this.#error = error;
        listener.onError(error);
        this.#tellMissing();
      },
    });
    return {
      close: () => {
        clearTimeout(disbelief);
        this.#legacyServers.close();
        return watch.close();
      },
    };
  }

  /** Why there is nobody to call; undefined while there is, or while it is not known yet. */
  get missing(): ImstateError | undefined {
    if (this.#endpoints === undefined) return this.#error;
    return this.#endpoints.length === 0 ? this.#noEndpoint() : undefined;
  }

  /** Tells the listener once there is nobody to call; returns what ends that. */
  onMissing(listener: (error: ImstateError) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The error of a connection that did not come within the time for it. */
  noConnection(timeoutMs: number): ImstateError {
    const waited = `within ${Math.round(timeoutMs)} ms`;
    if (this.#endpoints !== undefined) {
      const message = `no connection ${waited} to ${this.addresses}: is a daemon running there?`;
      return new ImstateError('UNAVAILABLE', message);
    }
    const message = `the registry (${this.#discovery.description}) does not answer ${waited}: is it running?`;
    return new ImstateError('REGISTRY_UNAVAILABLE', message);
  }

  /** The addresses that calls go to, for messages. */
  get addresses(): string {
    const listed = this.#endpoints?.map(({ addr }) => addr).join(', ');
    return listed ?? `the daemons of the registry (${this.#discovery.description})`;
  }

  /** Whether another daemon can be asked where one is silent: there are several endpoints, or a name with perhaps several addresses. */
  get hasSeveral(): boolean {
    const [first, ...others] = this.#endpoints ?? [];
    return first !== undefined && (others.length > 0 || isIP(parseHostPort(first.addr)?.host ?? '') === 0);
  }

  #mayTell({ addr }: Endpoint): boolean {
    return this.#mayDial(parseHostPort(addr)?.host ?? '');
  }

  #tellMissing(): void {
    const { missing } = this;
    if (missing !== undefined) for (const listener of this.#listeners) listener(missing);
  }

  #noEndpoint(): ImstateError {
    const { service, description } = this.#discovery;
    if (this.#untold.length > 0) {
      const message =
        `the token is not sent in plain text to ${this.#untold.join(', ')}, for it could be read on the way: call by TLS ` +
        '(--tls, --tls-ca), or allow it with --plaintext-token';
      return new ImstateError('UNAUTHENTICATED', message);
    }
    if (this.#unusable > 0) {
      const message = `none of the ${this.#unusable} entries of ${service} (registry: ${description}) is a HOST:PORT that can be dialled`;
      return new ImstateError('NO_ENDPOINT', message);
    }
    return new ImstateError(
      'NO_ENDPOINT',
      `no daemon is registered as ${service} (registry: ${description}): start one with imstate serve, ` +
        'or name one with --endpoint HOST:PORT',
    );
  }
}
