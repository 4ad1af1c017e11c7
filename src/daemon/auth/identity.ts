import type { PeerCertificate } from 'node:tls';
import { namesOf } from './certificates.js';

/**
 * The identity of a caller for the log: by the credential that was checked, or else by the verified client
 * certificate.
 */
export function identityOf(callerName: string | undefined, certificate: PeerCertificate | undefined): string {
  if (callerName !== undefined) return callerName;
  const [name] = certificate ? namesOf(certificate) : [];
  return name === undefined ? 'anonymous' : `the client certificate ${name}`;
}
