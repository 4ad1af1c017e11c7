import { Flags } from '@oclif/core';
import type { TlsOptions } from '../client/tls.js';
import { textFlag } from './flags.js';

const pem = { helpValue: 'FILE', helpGroup: 'TLS' };

/** Flags of `serve`: the TLS of the port. */
export const daemonTlsFlags = {
  'tls-cert': textFlag({
    description: 'serve by TLS with this certificate (PEM), followed by those between it and its authority',
    env: 'IMSTATE_TLS_CERT',
    ...pem,
  }),
  'tls-key': textFlag({
    description: 'private key of the certificate (PEM)',
    env: 'IMSTATE_TLS_KEY',
    ...pem,
  }),
  'tls-client-ca': textFlag({
    description: 'serve only clients with a certificate of these authorities (PEM)',
    env: 'IMSTATE_TLS_CLIENT_CA',
    ...pem,
  }),
};

/** The TLS of the port; undefined for plain gRPC. */
export function daemonTls(flags: Record<keyof typeof daemonTlsFlags, string | undefined>) {
  return given({ ca: flags['tls-client-ca'], cert: flags['tls-cert'], key: flags['tls-key'] });
}

/** Flags of the client commands: the TLS to the daemons. */
export const clientTlsFlags = {
  tls: Flags.boolean({
    description: 'call the daemons by TLS; the other --tls flags imply it',
    env: 'IMSTATE_TLS',
    helpGroup: 'TLS',
  }),
  'tls-ca': textFlag({
    description: "authorities of the daemons' certificates (PEM) [default: those that Node.js trusts]",
    env: 'IMSTATE_TLS_CA',
    ...pem,
  }),
  'tls-cert': textFlag({
    description: 'certificate to show to the daemons (PEM)',
    env: 'IMSTATE_TLS_CERT',
    ...pem,
  }),
  'tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_TLS_KEY',
    ...pem,
  }),
  'tls-server-name': textFlag({
    description: "name that the daemons' certificates are for [default: the host of each daemon's address]",
    env: 'IMSTATE_TLS_SERVER_NAME',
    helpValue: 'NAME',
    helpGroup: 'TLS',
  }),
};

/** The flags of {@link clientTlsFlags}, parsed. */
export interface ClientTlsFlags {
  tls: boolean;
  'tls-ca': string | undefined;
  'tls-cert': string | undefined;
  'tls-key': string | undefined;
  'tls-server-name': string | undefined;
}

/** How to call the daemons: undefined for plain gRPC. */
export function clientTls(flags: ClientTlsFlags): true | TlsOptions | undefined {
  const files = { ca: flags['tls-ca'], cert: flags['tls-cert'], key: flags['tls-key'] };
  return given({ ...files, serverName: flags['tls-server-name'] }) ?? (flags.tls || undefined);
}

/** The options if any of them is given. */
function given<Options extends object>(options: Options): Options | undefined {
  return Object.values(options).some((value) => value !== undefined) ? options : undefined;
}
