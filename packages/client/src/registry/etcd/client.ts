import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { ImstateError } from '../../shared/errors.js';
import type { TlsFiles } from '../../tls/names.js';
import { NO_HTTP_PROXY } from '../../wire/noHttpProxy.js';
import { callDeadline } from './deadline.js';
import { EtcdToken } from './EtcdToken.js';
import { etcdTls } from './tls.js';

/** The nodes of etcd, and the credentials. */
export interface EtcdAccess {
  /** URLs of nodes, see parseEtcdHosts. */
  hosts: string[];
  username?: string | undefined;
  password?: string | undefined;
  /** For https:// nodes. */
  tls?: TlsFiles | undefined;
}

/** Creates a client of one node, which connects at the first call. */
export function makeNodeClient(host: string, access: EtcdAccess): Etcd3 {
  const options: IOptions = {
    hosts: host,
    // Pings detect an etcd that is frozen or cut off, whose connection stays open. A short backoff reconnects
    // soon.
    grpcOptions: {
      ...NO_HTTP_PROXY,
      'grpc.keepalive_time_ms': 5_000,
      'grpc.keepalive_timeout_ms': 3_000,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2_000,
    },
    // EtcdNodes retries. A circuit breaker would avoid a recovered etcd for 5 s, and hide the cause of the
    // failure.
    faultHandling: { host: () => noop, global: noop },
    // Each attempt has its own deadline.
    defaultCallOptions: ({ isStream }) => (isStream ? {} : callDeadline()),
    ...etcdTls(access.hosts, access.tls),
  };
  const token = tokenOf(access, options);
  if (token === undefined) return new Etcd3(options);
  const grpcOptions = { ...options.grpcOptions, interceptors: [token.interceptor] };
  return new Etcd3({ ...options, grpcOptions });
}

/**
 * Instead of the `auth` of etcd3, which requests the token on a channel without options, and so through an
 * HTTP proxy.
 */
function tokenOf({ username, password }: EtcdAccess, options: IOptions): EtcdToken | undefined {
  if ((username === undefined) !== (password === undefined)) {
    throw new ImstateError(
      'WRONG_USAGE',
      'user and password of etcd belong together: set both (--etcd-user, and --etcd-password-file or IMSTATE_ETCD_PASSWORD), or neither',
      { field: '--etcd-user' },
    );
  }
  if (username === undefined || password === undefined) return undefined;
  return new EtcdToken(async () => {
    const client = new Etcd3(options);
    try {
      return (await client.auth.authenticate({ name: username, password })).token;
    } finally {
      client.close();
    }
  });
}
