import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { oneSided, plainReason, type TlsPeer, tlsFault } from 'imstate-client/internal/tls/faults';
import { TLS_NAMES } from 'imstate-client/internal/tls/names';
import { NotSent } from './cluster.js';

/** Errors that Redis returns before the first write of a change. */
const REJECTED_BEFORE_WRITE =
  /^(OOM|READONLY|MISCONF|LOADING|NOAUTH|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|BUSY|NOREPLICAS|NOPERM this user has no permissions to run the 'eval)/i;

/** The store's error for what ioredis rejects with. */
export function storeError(error: unknown, isChange: boolean): ImstateError {
  if (error instanceof ImstateError) return error;
  const reason = messageOf(error);
  if (error instanceof Error && error.name === 'ReplyError') {
    if (!isChange) return unavailable(`Redis refused: ${reason}`, error);
    const outcome = REJECTED_BEFORE_WRITE.test(reason)
      ? 'nothing was changed'
      : 'the change may have been applied in part';
    return unavailable(`Redis refused: ${reason}; ${outcome}`, error);
  }
  if (error instanceof NotSent || reason.includes('enableOfflineQueue')) {
    return unavailable(
      `the daemon has no connection to Redis and is trying to get one${isChange ? '; nothing was changed' : ''}`,
      error,
    );
  }
  const outcome = isChange ? '; the change may have been applied' : '';
  return unavailable(`the connection to Redis was lost before it answered${outcome}`, error);
}

/**
 * The error of a failed connection; `lastError` is the reason, which ioredis passes only to its error event.
 */
export function connectError(
  description: string,
  error: unknown,
  lastError: Error | undefined,
): ImstateError {
  if (error instanceof ImstateError && error.code !== 'STORE_UNAVAILABLE') return error;
  const reason = plainReason(messageOf(lastError ?? error));
  const peer = redisAt(description);
  const fault = tlsFault(reason, peer);
  if (fault !== undefined) {
    return new ImstateError('TLS_FAILED', fault.message, { cause: error, field: fault.flag });
  }
  if (/\b(WRONGPASS|NOAUTH)\b/.test(reason)) {
    const message = `Redis at ${description} refused the credentials (${reason}): check the user and password in --redis or IMSTATE_REDIS`;
    return new ImstateError('UNAUTHENTICATED', message, { cause: error, field: '--redis' });
  }
  if (/\bNOPERM\b/.test(reason)) {
    const message = `Redis at ${description} denies its user a command or a key (${reason}): grant it in the ACL of Redis`;
    return new ImstateError('PERMISSION_DENIED', message, { cause: error });
  }
  // A Redis without TLS waits for the end of a line, which a handshake does not have.
  const isUnanswered = description.startsWith('rediss') && reason.includes('ETIMEDOUT');
  const orElse = isUnanswered ? `, or ${peer.plain}` : oneSided(reason, peer);
  const message = `Redis at ${description} cannot be used (${reason}): start it, or correct --redis${orElse}`;
  return new ImstateError('STORE_UNAVAILABLE', message, { cause: error, field: '--redis' });
}

function redisAt(description: string): TlsPeer {
  return {
    ...TLS_NAMES.redis,
    who: `Redis at ${description}`,
    secure: `write rediss:// if it speaks TLS, and give ${TLS_NAMES.redis.cert} if it asks for a certificate`,
    plain: 'write redis:// instead of rediss://, or name the port where it does',
    otherName: description.includes('+cluster:')
      ? 'name its nodes in --redis by hosts that their certificates are for, and have them announce these hosts ' +
        '(cluster-announce-hostname, and cluster-preferred-endpoint-type hostname)'
      : 'name it in --redis by a host that the certificate is for',
  };
}

function unavailable(message: string, cause: unknown): ImstateError {
  return new ImstateError('STORE_UNAVAILABLE', message, { cause });
}
