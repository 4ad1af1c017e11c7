import type { TlsNames } from './names.js';

/** The other side of a handshake that failed, for messages. */
export interface TlsPeer extends TlsNames {
  /** Who it is, such as "Redis at rediss://10.0.0.2:6379/0". */
  who: string;
  /** How to speak TLS with it, and how not to. */
  secure: string;
  plain: string;
  /** What to do when its certificate is for another name. */
  otherName: string;
}

/** What OpenSSL and Node.js say, by what it means. */
const UNTRUSTED =
  /self.signed certificate|unable to (verify the first|get (local )?issuer) certificate|invalid CA certificate/i;
const OTHER_NAME = /does not match certificate's altnames: (.*)/i;
const NOT_IN_TIME = /certificate (has expired|is not yet valid)/i;
const NO_TLS = /wrong version number|packet length too long|bad record type|unknown protocol/i;
const REFUSED = /alert (certificate|bad certificate|unknown ca|unsupported certificate|handshake failure)/i;

/** What Node.js and gRPC say, without the time of the failure, the place in the sources of OpenSSL, and what Node.js 24 advises. */
export function plainReason(reason: string): string {
  return reason
    .replace(/ \(\d{4}-\d\d-\d\dT[^)]*\)$/, '')
    .replace(/; if the root CA is installed locally, try .*$/, '')
    .replace(/^.*SSL routines:[^:]*:([^:]+):.*$/s, '$1');
}

/** One sentence for a TLS handshake that failed, with the way out; undefined if the reason is no matter of TLS. */
export function tlsFault(reason: string, peer: TlsPeer): string | undefined {
  const { who } = peer;
  if (UNTRUSTED.test(reason)) {
    return `${who} has a certificate of an authority that is not trusted here (${reason}): name the file of that authority with ${peer.ca}`;
  }
  const otherName = OTHER_NAME.exec(reason)?.[1];
  if (otherName !== undefined) {
    return `${who} has a certificate for another name (${otherName.replace(/\.$/, '')}): ${peer.otherName}`;
  }
  const notInTime = NOT_IN_TIME.exec(reason)?.[1];
  if (notInTime !== undefined) {
    return `the certificate of ${who} ${notInTime}: renew it there, or set the clock of this machine`;
  }
  if (NO_TLS.test(reason)) return `${who} does not speak TLS (${reason}): ${peer.plain}`;
  if (REFUSED.test(reason)) {
    return `${who} refused the TLS handshake (${reason}): give a certificate of an authority that it trusts with ${peer.cert} and ${peer.key}`;
  }
  return undefined;
}

/** What one side does that does not understand the other: it drops the connection. So does one that dies just then. */
const DROPPED =
  /ECONNRESET|EPIPE|Protocol error|Failed to connect|socket hang up|before secure TLS connection/i;

/** Whether TLS on one side only may be why a connection did not come about. */
export function isDropped(reason: string): boolean {
  return DROPPED.test(reason);
}

/** What else to do about a connection that did not come about, if TLS on one side only may be why; or ''. */
export function oneSided(reason: string, { secure, plain }: TlsPeer): string {
  if (/before secure TLS connection/i.test(reason)) return `, or ${plain}`;
  return isDropped(reason) ? `, or ${secure}` : '';
}
