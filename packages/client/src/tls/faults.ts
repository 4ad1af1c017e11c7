import type { TlsNames } from './names.js';

/** The peer of a failed handshake, for messages. */
export interface TlsPeer extends TlsNames {
  /** Its name, such as "Redis at rediss://10.0.0.2:6379/0". */
  who: string;
  /** What to do to use TLS with it, and not to use it. */
  secure: string;
  plain: string;
  /** What to do if its certificate is for another name. */
  otherName: string;
}

/** What is wrong with a failed handshake. */
export interface TlsFault {
  /** Says what to do, too. */
  message: string;
  /** The flag to correct; undefined if the fault is the peer's, or may be in several flags. */
  flag?: string;
}

/** Messages of OpenSSL and Node.js, by their meaning. */
const UNTRUSTED =
  /self.signed certificate|unable to (verify the first|get (local )?issuer) certificate|invalid CA certificate/i;
const OTHER_NAME = /does not match certificate's altnames: (.*)/i;
const NOT_IN_TIME = /certificate (has expired|is not yet valid)/i;
const NO_TLS = /wrong version number|packet length too long|bad record type|unknown protocol/i;
const REFUSED = /alert (certificate|bad certificate|unknown ca|unsupported certificate|handshake failure)/i;

/**
 * A message of Node.js or gRPC without its time, the source location in OpenSSL, and the advice of Node.js
 * 24.
 */
export function plainReason(reason: string): string {
  return reason
    .replace(/ \(\d{4}-\d\d-\d\dT[^)]*\)$/, '')
    .replace(/; if the root CA is installed locally, try .*$/, '')
    .replace(/^.*SSL routines:[^:]*:([^:]+):.*$/s, '$1');
}

/**
 * What is wrong with a failed TLS handshake, and what to do; undefined if the reason is not related to TLS.
 */
export function tlsFault(reason: string, peer: TlsPeer): TlsFault | undefined {
  const { who, ca, cert, key } = peer;
  if (UNTRUSTED.test(reason)) {
    const message = `${who} has a certificate of a CA that is not trusted here (${reason}): name the file of that CA with ${ca}`;
    return { message, flag: ca };
  }
  const otherName = OTHER_NAME.exec(reason)?.[1];
  if (otherName !== undefined) {
    const name = otherName.replace(/\.$/, '');
    return { message: `${who} has a certificate for another name (${name}): ${peer.otherName}` };
  }
  const notInTime = NOT_IN_TIME.exec(reason)?.[1];
  if (notInTime !== undefined) {
    const remedy = 'renew it there, or correct the clock of this machine';
    return { message: `the certificate of ${who} ${notInTime}: ${remedy}` };
  }
  if (NO_TLS.test(reason)) return { message: `${who} does not speak TLS (${reason}): ${peer.plain}` };
  if (REFUSED.test(reason)) {
    const message = `${who} refused the TLS handshake (${reason}): give a certificate of a CA that it trusts with ${cert} and ${key}`;
    return { message, flag: cert };
  }
  return undefined;
}

/** A peer that does not understand the other drops the connection. So does a peer that dies. */
const DROPPED =
  /ECONNRESET|EPIPE|Protocol error|Failed to connect|socket hang up|before secure TLS connection/i;

/** Whether a connection may have failed because only one side uses TLS. */
export function isDropped(reason: string): boolean {
  return DROPPED.test(reason);
}

/** A further hint for a connection that may have failed because only one side uses TLS; or ''. */
export function oneSided(reason: string, { secure, plain }: TlsPeer): string {
  if (/before secure TLS connection/i.test(reason)) return `, or ${plain}`;
  return isDropped(reason) ? `, or ${secure}` : '';
}
