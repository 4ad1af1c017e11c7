import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { ImstateError } from '../../shared/errors.js';
import type { TlsFiles } from '../../tls/names.js';
import { DIRECT } from '../../wire/direct.js';
import { callDeadline } from './deadline.js';
import { EtcdToken } from './EtcdToken.js';
import { etcdTls } from './tls.js';

/** Where etcd is, and who asks. */
export interface EtcdAccess {
  /** URLs of nodes, see parseEtcdHosts. */
  hosts: string[];
  username?: string | undefined;
  password?: string | undefined;
  /** For https:// nodes. */
  tls?: TlsFiles | undefined;
}

/** Makes a client of one node; nothing is dialled. */
export function makeNodeClient(host: string, access: EtcdAccess): Etcd3 {
  const options: IOptions = {
    hosts: host,
    // A frozen or cut-off etcd keeps its connection: pings find out, and bounded back-off comes back soon.
    grpcOptions: {
      ...DIRECT,
      'grpc.keepalive_time_ms': 5_000,
      'grpc.keepalive_timeout_ms': 3_000,
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2_000,
    },
    // EtcdNodes repeats calls. No circuit breaker: it would keep us away for 5 s from an etcd that is back, and hide why it was away.
    faultHandling: { host: () => noop, global: noop },
    // Of each attempt by itself.
    defaultCallOptions: ({ isStream }) => (isStream ? {} : callDeadline()),
    ...etcdTls(access.hosts, access.tls),
  };
  const token = tokenOf(access, options);
  if (token === undefined) return new Etcd3(options);
  const grpcOptions = { ...options.grpcOptions, interceptors: [token.interceptor] };
  return new Etcd3({ ...options, grpcOptions });
}

/** Not by the `auth` of etcd3: it asks for the token on a channel that takes no options, and so would go through an HTTP proxy. */
function tokenOf({ username, password }: EtcdAccess, options: IOptions): EtcdToken | undefined {
  if ((username === undefined) !== (password === undefined)) {
    throw new ImstateError(
      'WRONG_USAGE',
      'user and password of etcd go together: set both (--etcd-user, and --etcd-password-file or IMSTATE_ETCD_PASSWORD), or neither',
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
