import { ImstateError, messageOf } from '../../shared/errors.js';
import { oneSided, plainReason, type TlsPeer, tlsFault } from '../../tls/faults.js';
import { TLS_NAMES } from '../../tls/names.js';
import { ETCD_CALL_MS } from './deadline.js';

const ETCD: TlsPeer = {
  ...TLS_NAMES.etcd,
  who: 'etcd',
  // Either side may reset the connection: a node without TLS may do so during a handshake.
  secure: `write https:// in --etcd if it uses TLS, http:// if not, and set ${TLS_NAMES.etcd.cert} if it requires a certificate`,
  plain: 'write http:// instead of https:// in --etcd',
  otherName: 'name it in --etcd by a host that the certificate is for',
};

/** The meaning of an error of etcd, and what to do. */
interface Fault {
  /** The flag to correct, if the fault may be there. */
  field?: string;
  /** Matches the message of etcd (see its api/v3rpc/rpctypes), without the gRPC status. */
  pattern: RegExp;
  code?: 'UNAUTHENTICATED' | 'PERMISSION_DENIED';
  message(reason: string): string;
}

const FAULTS: readonly Fault[] = [
  {
    pattern: /permission denied/i,
    code: 'PERMISSION_DENIED',
    message: (reason) =>
      `the user of etcd lacks a right (${reason}): etcdctl role grant-permission ROLE --prefix=true readwrite SERVICE/`,
  },
  {
    pattern:
      /authentication failed|invalid auth token|user name is empty|user name not found|revision of auth/i,
    code: 'UNAUTHENTICATED',
    field: '--etcd-user',
    message: (reason) => `etcd refused the credentials (${reason}): check --etcd-user and its password`,
  },
  {
    pattern: /authentication is not enabled/i,
    code: 'UNAUTHENTICATED',
    field: '--etcd-user',
    message: () => 'etcd has no authentication: leave --etcd-user and its password out',
  },
  {
    pattern: /database space exceeded|no ?space/i,
    message: (reason) =>
      `etcd is out of space and takes no writes (${reason}): compact and defragment it, then etcdctl alarm disarm; ` +
      'raise its --quota-backend-bytes if that is not enough',
  },
  {
    pattern: /corrupt/i,
    message: (reason) =>
      `etcd has an alarm for corrupt data (${reason}): replace the node that etcdctl alarm list names`,
  },
  {
    pattern: /too many requests/i,
    message: (reason) => `etcd is overloaded (${reason}): reduce its load or give it faster disks`,
  },
  {
    pattern: /request is too large|message larger than max/i,
    message: (reason) =>
      `a message of etcd is too large (${reason}): remove entries that are not endpoints, or raise its --max-request-bytes`,
  },
  {
    pattern: /no leader|leader changed|not leader|request timed out/i,
    message: (reason) =>
      `etcd has no leader (${reason}): start the nodes that are missing, most of them must run`,
  },
  {
    pattern: /deadline exceeded/i,
    field: '--etcd',
    message: () => `etcd does not answer within ${ETCD_CALL_MS} ms: look after it, or correct --etcd`,
  },
];

/** The ImstateError for an error of etcd3. */
export function registryError(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  const reason = plainReason(
    messageOf(error)
      .replace(/^\d+ [A-Z_]+: /, '')
      .replace(/^.*Last error: (?:Error: )?(.*?)\.? Resolution note.*$/s, '$1')
      .replace(/^null$/, 'no connection'),
  );
  const tls = tlsFault(reason, ETCD);
  if (tls !== undefined) {
    return new ImstateError('TLS_FAILED', tls.message, { cause: error, field: tls.flag });
  }
  const fault = FAULTS.find(({ pattern }) => pattern.test(reason));
  if (fault !== undefined) {
    const { code = 'REGISTRY_UNAVAILABLE', field } = fault;
    return new ImstateError(code, fault.message(reason), { cause: error, field });
  }
  return new ImstateError(
    'REGISTRY_UNAVAILABLE',
    `etcd cannot be reached (${reason}): start it, or correct --etcd${oneSided(reason, ETCD)}`,
    { cause: error, field: '--etcd' },
  );
}
