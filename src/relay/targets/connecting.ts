import { messageOf } from 'imstate-client/internal/shared/errors';
import { oneSided, plainReason, type TlsPeer, tlsFault } from 'imstate-client/internal/tls/faults';
import type { TlsNames } from 'imstate-client/internal/tls/names';

/** How long connecting to a target may take. Milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** How long a target may take to acknowledge, unless the options say otherwise. Milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** What messages call the TLS files of a target. */
export const TARGET_TLS_NAMES: TlsNames = { ca: '--to-tls-ca', cert: '--to-tls-cert', key: '--to-tls-key' };

/** Why a connection failed, and what to do. The schemes are those of URLs with and without TLS. */
export function describeConnectionFailure(error: unknown, { secure, plain }: TargetSchemes): string {
  const reason = plainReason(messageOf(error)).trim() || 'closed by the target';
  const peer: TlsPeer = {
    ...TARGET_TLS_NAMES,
    who: 'the target',
    secure: `see whether it requires TLS (${secure}://) or a client certificate`,
    plain: `use ${plain}:// if it has no TLS`,
    otherName: 'name the target by a name that its certificate has',
  };
  const fault = tlsFault(reason, peer);
  if (fault !== undefined) return fault.message;
  return `the connection failed (${reason}): see that the target runs and can be reached${oneSided(reason, peer)}`;
}

/** The schemes of a kind of target. */
export interface TargetSchemes {
  secure: string;
  plain: string;
}
