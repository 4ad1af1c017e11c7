import type { PeerCertificate } from 'node:tls';
import type { AuditIdentity } from '../../presence/audit.js';
import { namesOf } from './certificates.js';
import type { Caller } from './roles.js';

/** A caller whose credential was not accepted. */
export const UNAUTHENTICATED: AuditIdentity = { kind: 'UNAUTHENTICATED', name: 'unauthenticated' };

/**
 * The identity of a caller for the audit trail: by the credential that was checked, or else by the verified
 * client certificate.
 */
export function identityOf(
  caller: Caller | undefined,
  certificate: PeerCertificate | undefined,
): AuditIdentity {
  if (caller !== undefined) return caller.identity;
  const [name] = certificate ? namesOf(certificate) : [];
  return name === undefined ? { kind: 'ANONYMOUS', name: 'anonymous' } : { kind: 'CERTIFICATE', name };
}

/** Who acts, for the audit trail. Without an --auth flag everybody may do everything. */
export function actorOf(
  caller: Caller | undefined,
  certificate: PeerCertificate | undefined,
): { identity: AuditIdentity; role: string } {
  return { identity: identityOf(caller, certificate), role: caller?.role ?? 'admin' };
}
