import { isIP } from 'node:net';
import type { Endpoint, Watch, WatchListener } from '../registry/discovery.js';
import { isHostPort, parseHostPort } from '../shared/address.js';
import { ImstateError } from '../shared/errors.js';
import type { Discovery } from './discovery.js';
import { LegacyServers, type ProbeHealth } from './legacyServers.js';

/** A list of endpoints, by whether a client may call them. */
interface SortedEndpoints {
  usable: Endpoint[];
  /** How many are not `host:port`. */
  invalid: number;
  /** The addresses to which the token must not go. */
  withoutToken: string[];
}

/**
 * How long an emptied list is ignored: a wiped etcd has no entry until the daemons, which keep serving, have
 * registered again.
 */
const EMPTY_LIST_DELAY_MS = 10_000;

/** The current endpoints, between a discovery and the resolver of the channel. */
export class EndpointView {
  readonly #discovery: Discovery;
  readonly #mayDial: (host: string) => boolean;
  readonly #legacyServers: LegacyServers;
  readonly #missingListeners = new Set<(error: ImstateError) => void>();
  /** Undefined before the first list. */
  #current: SortedEndpoints | undefined;
  /** The error of the registry since its last list. */
  #error: ImstateError | undefined;
  #emptyTimer: NodeJS.Timeout | undefined;
  #listener: WatchListener | undefined;

  /** `mayDial` decides whether calls may go to a host; `probe` checks the health of an endpoint. */
  constructor(discovery: Discovery, mayDial: (host: string) => boolean, probe: ProbeHealth) {
    this.#discovery = discovery;
    this.#mayDial = mayDial;
    this.#legacyServers = new LegacyServers({
      probe,
      listStores: () => discovery.listStores(),
      onPreferred: (endpoints) => this.#listener?.onEndpoints(endpoints),
    });
  }

  /** The endpoints that are excluded as long as another one serves PresenceService. */
  get legacyServers(): Pick<LegacyServers, 'generation' | 'hasOthers' | 'isAllLegacy'> {
    return this.#legacyServers;
  }

  /**
   * Follows the discovery for the resolver, which receives an error instead of an empty list. See {@link
   * missing}.
   */
  watch(listener: WatchListener): Watch {
    this.#listener = listener;
    const watch = this.#discovery.watch({
      onEndpoints: (endpoints) => this.#onEndpoints(endpoints),
      onError: (error) => {
        this.#error = error;
        listener.onError(error);
        this.#notifyMissing();
      },
    });
    return {
      close: () => {
        clearTimeout(this.#emptyTimer);
        this.#legacyServers.close();
        return watch.close();
      },
    };
  }

  /** Why there is no endpoint to call; undefined if there is one, or if that is not known yet. */
  get missing(): ImstateError | undefined {
    if (this.#current === undefined) return this.#error;
    return this.#current.usable.length === 0 ? this.#noEndpoint(this.#current) : undefined;
  }

  /** Calls the listener once there is no endpoint to call. Returns a function that removes it. */
  onMissing(listener: (error: ImstateError) => void): () => void {
    this.#missingListeners.add(listener);
    return () => this.#missingListeners.delete(listener);
  }

  /** The error of a connection that was not established in time. */
  noConnection(timeoutMs: number): ImstateError {
    const waited = `within ${Math.round(timeoutMs)} ms`;
    if (this.#current !== undefined) {
      const message = `no connection ${waited} to ${this.addresses}: is a daemon running there?`;
      return new ImstateError('UNAVAILABLE', message);
    }
    const message = `the registry (${this.#discovery.description}) does not answer ${waited}: is it running?`;
    return new ImstateError('REGISTRY_UNAVAILABLE', message);
  }

  /** The addresses of the endpoints, for messages. */
  get addresses(): string {
    const listed = this.#current?.usable.map(({ addr }) => addr).join(', ');
    return listed ?? `the daemons of the registry (${this.#discovery.description})`;
  }

  /**
   * Whether a call can be hedged: there are several endpoints, or one with a name that may have several
   * addresses.
   */
  get hasSeveral(): boolean {
    const [first, ...others] = this.#current?.usable ?? [];
    return first !== undefined && (others.length > 0 || isIP(hostOf(first)) === 0);
  }

  #onEndpoints(endpoints: Endpoint[]): void {
    clearTimeout(this.#emptyTimer);
    this.#error = undefined;
    const sorted = this.#sort(endpoints);
    const isEmptied = sorted.usable.length === 0 && (this.#current?.usable.length ?? 0) > 0;
    if (isEmptied) this.#emptyTimer = setTimeout(() => this.#accept(sorted), EMPTY_LIST_DELAY_MS).unref();
    else this.#accept(sorted);
  }

  #sort(endpoints: Endpoint[]): SortedEndpoints {
    const valid = endpoints.filter(({ addr }) => isHostPort(addr));
    return {
      usable: valid.filter((endpoint) => this.#mayDial(hostOf(endpoint))),
      invalid: endpoints.length - valid.length,
      withoutToken: valid.filter((endpoint) => !this.#mayDial(hostOf(endpoint))).map(({ addr }) => addr),
    };
  }

  #accept(sorted: SortedEndpoints): void {
    this.#current = sorted;
    if (sorted.usable.length > 0) this.#listener?.onEndpoints(this.#legacyServers.prefer(sorted.usable));
    else this.#listener?.onError(this.#noEndpoint(sorted));
    this.#notifyMissing();
  }

  #notifyMissing(): void {
    const { missing } = this;
    if (missing !== undefined) for (const notify of this.#missingListeners) notify(missing);
  }

  #noEndpoint({ invalid, withoutToken }: SortedEndpoints): ImstateError {
    const { service, description, scheme } = this.#discovery;
    if (withoutToken.length > 0) {
      const message =
        `the token is not sent in plain text to ${withoutToken.join(', ')}, where others could read it on the way: ` +
        'use TLS (--tls, --tls-ca), or allow it with --plaintext-token';
      return new ImstateError('UNAUTHENTICATED', message);
    }
    if (invalid > 0) {
      const message =
        `none of the ${invalid} entries of ${service} (registry: ${description}) is a HOST:PORT that can be dialled: ` +
        'correct --advertise of the daemons';
      return new ImstateError('NO_ENDPOINT', message);
    }
    return new ImstateError(
      'NO_ENDPOINT',
      `no daemon is registered as ${service} (registry: ${description}): start one with imstate serve, ` +
        'or name one with --endpoint HOST:PORT',
      // Of another data directory the entries may be there.
      { field: scheme === 'imstate' ? 'dataDir' : undefined },
    );
  }
}

function hostOf({ addr }: Endpoint): string {
  return parseHostPort(addr)?.host ?? '';
}
