import { isIP } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import type { HostPort } from 'imstate-client/internal/shared/address';
import { readTls } from 'imstate-client/internal/tls/files';
import type { TlsFiles, TlsNames } from 'imstate-client/internal/tls/names';
import { type Finding, skipped } from './check.js';
import { expiry } from './expiry.js';

/** A peer with a certificate. */
export interface Peer extends HostPort {
  /** Its name in messages. */
  addr: string;
  /** The server name to request; the host by default. */
  serverName?: string | undefined;
}

/**
 * Checks how long the certificates of these peers are valid, with a TLS handshake for each. `who` names all
 * of them.
 */
export async function judgePeers(
  who: string,
  peers: Peer[],
  { files, names, timeoutMs }: { files: TlsFiles; names: TlsNames; timeoutMs: number },
): Promise<Finding> {
  const { context } = readTls(files, names);
  const shown = peers.map(async ({ addr, host, port, serverName = host }) => {
    // Only reads it: the call to this peer has verified it.
    const socket = connect({
      ...context,
      host,
      port,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      ...(isIP(serverName) === 0 && { servername: serverName }),
    });
    return { addr, validTo: await validTo(socket, timeoutMs) };
  });
  return judgeCertificates(who, await Promise.all(shown));
}

/** The same for open connections; those without TLS are ignored. */
export function judgeSockets(who: string, sockets: { addr: string; socket: unknown }[]): Finding {
  return judgeCertificates(
    who,
    sockets.flatMap(({ addr, socket }) =>
      socket instanceof TLSSocket ? [{ addr, validTo: socket.getPeerCertificate().valid_to }] : [],
    ),
  );
}

function judgeCertificates(who: string, certificates: { addr: string; validTo: string }[]): Finding {
  if (certificates.length === 0) return skipped(`${who} is called without TLS`);
  const ends = certificates.map(({ addr, validTo }) => ({ of: `the certificate of ${addr}`, validTo }));
  return expiry('trusted', ends);
}

function validTo(socket: TLSSocket, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer to the TLS handshake')));
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().valid_to);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
