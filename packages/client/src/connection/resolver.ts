import { type ChannelOptions, experimental, Metadata, status } from '@grpc/grpc-js';
import type { Watch, WatchListener } from '../registry/discovery.js';
import { type HostPort, parseHostPort } from '../shared/address.js';
import { AddressResolver, type HostNames } from './addressResolver.js';

type ResolverListener = experimental.ResolverListener;
type Target = experimental.GrpcUri;

/** Channel option that passes the watch to the resolver, which gRPC creates. */
export const WATCH_OPTION = 'imstate.watch';
/** Channel option that passes the {@link HostNames} from the resolver to the credentials. */
export const NAMES_OPTION = 'imstate.host_names';

/**
 * Resolver of `etcd:///<service>` and `imstate:///<service>` for grpc-js. Follows the watch in the options of
 * the channel for as long as the channel is in use, and passes each list of addresses to the load balancer.
 * After an error the last list stays in use.
 */
class RegistryResolver implements experimental.Resolver {
  readonly #listener: ResolverListener;
  readonly #start: (listener: WatchListener) => Watch;
  readonly #addresses: AddressResolver;
  #watch: Watch | undefined;

  /**
   * Must be a host: the HTTP/2 server of Node.js resets a stream whose authority has a slash, and its client
   * rejects %2F, which Go sends. A host that ends with a number would have to be an IPv4 address.
   */
  static getDefaultAuthority(target: Target): string {
    const host = target.path.replace(/[^A-Za-z0-9.-]+/g, '.').replace(/^\.+|\.+$/g, '') || 'imstate';
    return URL.canParse(`http://${host}`) ? host : `${host}.imstate`;
  }

  constructor(_target: Target, listener: ResolverListener, options: ChannelOptions) {
    this.#listener = listener;
    this.#start = options[WATCH_OPTION] as (listener: WatchListener) => Watch;
    const names = options[NAMES_OPTION] as HostNames;
    this.#addresses = new AddressResolver(
      (endpoints) => this.#pass(experimental.statusOrFromValue(endpoints)),
      names,
    );
  }

  /** Called by gRPC at the start, and when a connection fails or is lost. */
  updateResolution(): void {
    if (this.#watch !== undefined) {
      this.#addresses.refresh();
      return;
    }
    this.#watch = this.#start({
      onEndpoints: (endpoints) =>
        this.#addresses.resolve(endpoints.map(({ addr }) => parseHostPort(addr) as HostPort)),
      onError: (error) =>
        this.#pass(
          experimental.statusOrFromError({
            code: status.UNAVAILABLE,
            details: error.message,
            metadata: new Metadata(),
          }),
        ),
    });
  }

  destroy(): void {
    const watch = this.#watch;
    this.#watch = undefined;
    this.#addresses.close();
    void watch?.close();
  }

  #pass(endpoints: Parameters<ResolverListener>[0]): void {
    this.#listener(endpoints, {}, null, '');
  }
}

/** Registers the resolver for both schemes. Safe to call twice. */
export function registerSchemes(): void {
  experimental.registerResolver('etcd', RegistryResolver);
  experimental.registerResolver('imstate', RegistryResolver);
}
