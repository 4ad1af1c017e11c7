import type { Etcd3 } from 'etcd3';
import { ImstateError } from '../../errors.js';
import type { TlsFiles } from '../../tls/names.js';
import { callDeadline } from './deadline.js';
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

/** Makes a client; nothing is dialled. It is loaded only where it is used: it costs a command 100 ms. */
export async function makeEtcdClient({ hosts, username, password, tls }: EtcdAccess): Promise<Etcd3> {
  const [{ Etcd3, isRecoverableError }, { ConstantBackoff, handleWhen, noop, retry }] = await Promise.all([
    import('etcd3'),
    import('cockatiel'),
  ]);
  if ((username === undefined) !== (password === undefined)) {
    throw new ImstateError(
      'WRONG_USAGE',
      'user and password of etcd go together: set both (--etcd-user, and --etcd-password-file or IMSTATE_ETCD_PASSWORD), or neither',
    );
  }
  return new Etcd3({
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
    ...etcdTls(hosts, tls),
    // Asking for a token is a call too.
    ...(username !== undefined &&
      password !== undefined && { auth: { username, password, callOptions: callDeadline } }),
  });
}
