import { type ChannelOptions, experimental, Metadata, status } from '@grpc/grpc-js';
import type { Watch, WatchListener } from '../registry/discovery.js';
import { type HostPort, parseHostPort } from '../shared/address.js';
import { AddressResolver, type HostNames } from './addressResolver.js';

type ResolverListener = experimental.ResolverListener;
type Target = experimental.GrpcUri;

/** Channel option that carries the watch to the resolver, which gRPC makes by itself. */
export const WATCH_OPTION = 'imstate.watch';
/** Channel option that carries the {@link HostNames} from the resolver to the credentials. */
export const NAMES_OPTION = 'imstate.host_names';

/**
 * Resolver of `etcd:///<service>` and `imstate:///<service>` for grpc-js: follows the watch in the channel's
 * options for as long as the channel is in use, and hands each list of addresses that can be dialled to the load
 * balancer. Errors leave the last list in force.
 */
class RegistryResolver implements experimental.Resolver {
  readonly #listener: ResolverListener;
  readonly #start: (listener: WatchListener) => Watch;
  readonly #addresses: AddressResolver;
  #watch: Watch | undefined;

  /**
   * Must be a host: Node's HTTP/2 server resets a stream whose authority holds a slash, and its client takes no
   * %2F either, which is what Go sends. A host that ends with a number would have to be an IPv4 address.
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
      (endpoints) => this.#tell(experimental.statusOrFromValue(endpoints)),
      names,
    );
  }

  /** gRPC calls it to start, and again when a connection fails or is lost. */
  updateResolution(): void {
    if (this.#watch !== undefined) {
      this.#addresses.refresh();
      return;
    }
    this.#watch = this.#start({
      onEndpoints: (endpoints) =>
        this.#addresses.resolve(endpoints.map(({ addr }) => parseHostPort(addr) as HostPort)),
      onError: (error) =>
        this.#tell(
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

  #tell(endpoints: Parameters<ResolverListener>[0]): void {
    this.#listener(endpoints, {}, null, '');
  }
}

/** Teaches grpc-js both schemes; calling it again is harmless. */
export function registerSchemes(): void {
  experimental.registerResolver('etcd', RegistryResolver);
  experimental.registerResolver('imstate', RegistryResolver);
}
