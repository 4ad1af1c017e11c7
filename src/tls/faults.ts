import { TLS_NAMES, type TlsNames } from './names.js';

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

/** What Node.js and gRPC say, without the time of the failure and the place in the sources of OpenSSL. */
export function plainReason(reason: string): string {
  return reason
    .replace(/ \(\d{4}-\d\d-\d\dT[^)]*\)$/, '')
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

function daemonAt(addresses: string): TlsPeer {
  return {
    ...TLS_NAMES.client,
    who: `the daemon at ${addresses}`,
    secure: 'add --tls if it speaks TLS',
    plain: 'leave --tls out, or start it with --tls-cert and --tls-key',
    otherName: 'call it by that name, or say with --tls-server-name which name its certificate has',
  };
}

/** What a daemon does that cannot go on: it drops the connection, or says in its own language that this is none of its. */
const DROPPED =
  /ECONNRESET|EPIPE|Protocol error|Failed to connect|socket hang up|before secure TLS connection/i;

/** What else to do about a connection that does not come about, if TLS on one side only may be why; or ''. */
export function oneSided(reason: string, { secure, plain }: TlsPeer): string {
  if (/before secure TLS connection/i.test(reason)) return `, or ${plain}`;
  return DROPPED.test(reason) ? `, or ${secure}` : '';
}

/** One sentence for a connection to a daemon that did not come about because of TLS, or likely so; undefined if it was not that. */
export function daemonFault(reason: string, addresses: string, isTls: boolean): string | undefined {
  const daemon = daemonAt(addresses);
  const fault = isTls ? tlsFault(reason, daemon) : undefined;
  if (fault !== undefined || !DROPPED.test(reason)) return fault;
  return isTls
    ? `${daemon.who} dropped the TLS connection (${reason}): it may want a certificate of another authority with ${daemon.cert} and ${daemon.key}`
    : `${daemon.who} does not answer plain gRPC (${reason}): ${daemon.secure}`;
}
