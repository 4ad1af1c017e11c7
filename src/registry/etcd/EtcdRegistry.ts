import type { Etcd3 } from 'etcd3';
import { ImstateError } from '../../errors.js';
import type { TlsFiles } from '../../tls/names.js';
import type { Endpoint, Registration, Registry, RegistryOptions, Watch, WatchListener } from '../registry.js';
import { EtcdRegistration } from './EtcdRegistration.js';
import { EtcdWatch } from './EtcdWatch.js';
import { callDeadline, listEntries } from './entries.js';
import { parseEtcdHosts } from './hosts.js';
import { etcdTls } from './tls.js';

/** What {@link EtcdRegistry} takes beside the common options. */
export interface EtcdRegistryOptions extends RegistryOptions {
  /** Nodes of the cluster: "host:port,…", each with http:// or https:// in front if wished. */
  hosts: string;
  username?: string | undefined;
  password?: string | undefined;
  /** For https:// nodes; what Node.js trusts and no client certificate if it is left out. */
  tls?: TlsFiles | undefined;
  /** How long an entry outlives its daemon. Milliseconds, whole seconds. */
  leaseTtlMs: number;
}

/**
 * Endpoints in etcd, as etcd's Go naming client writes and reads them: key `<service>/<addr>` under a lease.
 * Rules: see Registry.
 *
 * @example
 * const registry = await EtcdRegistry.make({ hosts: '127.0.0.1:2379', service: 'im/state-server', … });
 * const registration = await registry.register('10.0.0.5:8080');
 */
export class EtcdRegistry implements Registry {
  readonly description: string;
  readonly service: string;
  readonly scheme = 'etcd';
  readonly #options: EtcdRegistryOptions;
  readonly #client: Etcd3;

  /** The etcd client is loaded only where it is used: it costs a command 100 ms. */
  static async make(options: EtcdRegistryOptions): Promise<EtcdRegistry> {
    const hosts = parseEtcdHosts(options.hosts);
    const [{ Etcd3, isRecoverableError }, { ConstantBackoff, handleWhen, noop, retry }] = await Promise.all([
      import('etcd3'),
      import('cockatiel'),
    ]);
    const { username, password } = options;
    if ((username === undefined) !== (password === undefined)) {
      throw new ImstateError(
        'WRONG_USAGE',
        'IMSTATE_ETCD_USER and IMSTATE_ETCD_PASSWORD go together: set both or neither',
      );
    }
    const client = new Etcd3({
      hosts,
      dialTimeout: 2_000,
      // A frozen or cut-off etcd keeps its connection: pings find out, and bounded back-off comes back soon.
      grpcOptions: {
        'grpc.keepalive_time_ms': 5_000,
        'grpc.keepalive_timeout_ms': 3_000,
        'grpc.initial_reconnect_backoff_ms': 200,
        'grpc.max_reconnect_backoff_ms': 2_000,
      },
      // A call that a node did not answer goes to each other node once. No circuit breaker: it would keep us away
      // for 5 s from an etcd that is back, and hide why it was away.
      faultHandling: {
        host: () => noop,
        global: retry(handleWhen(isRecoverableError), {
          maxAttempts: hosts.length,
          backoff: new ConstantBackoff(50),
        }),
      },
      ...etcdTls(hosts, options.tls),
      // Asking for a token is a call too.
      ...(username !== undefined &&
        password !== undefined && { auth: { username, password, callOptions: callDeadline } }),
    });
    return new EtcdRegistry(options, client, hosts);
  }

  private constructor(options: EtcdRegistryOptions, client: Etcd3, hosts: string[]) {
    this.#options = options;
    this.#client = client;
    this.service = options.service;
    this.description = `etcd ${hosts.map((host) => host.replace('http://', '')).join(',')}`;
  }

  register(addr: string): Promise<Registration> {
    const { leaseTtlMs, log } = this.#options;
    return EtcdRegistration.start({ client: this.#client, service: this.service, addr, leaseTtlMs, log });
  }

  async list(): Promise<Endpoint[]> {
    return (await listEntries(this.#client, this.service, this.#options.log)).endpoints;
  }

  watch(listener: WatchListener): Watch {
    return new EtcdWatch({ client: this.#client, service: this.service, log: this.#options.log, listener });
  }

  async close(): Promise<void> {
    this.#client.close();
  }
}
