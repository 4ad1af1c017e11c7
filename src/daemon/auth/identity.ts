import type { PeerCertificate } from 'node:tls';
import { namesOf } from './certificates.js';

/** Who calls, for the log: by the credential that was checked, else by the client certificate that TLS has verified. */
export function identityOf(callerName: string | undefined, certificate: PeerCertificate | undefined): string {
  if (callerName !== undefined) return callerName;
  const [name] = certificate ? namesOf(certificate) : [];
  return name === undefined ? 'anonymous' : `the client certificate ${name}`;
}
