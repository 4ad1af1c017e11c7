import { Flags } from '@oclif/core';
import type { TlsOptions } from 'imstate-client/internal/connection/tlsCredentials';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { textFlag } from './flags.js';

/** The flags, parsed. */
type Parsed<Flags> = { [name in keyof Flags]: string | undefined };

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

/** Flags of `serve`: the TLS to Redis. */
export const redisTlsFlags = {
  'redis-tls-ca': textFlag({
    description:
      "authorities of Redis's certificate (PEM), for rediss:// [default: those that Node.js trusts]",
    env: 'IMSTATE_REDIS_TLS_CA',
    ...pem,
  }),
  'redis-tls-cert': textFlag({
    description: 'certificate to show to Redis (PEM)',
    env: 'IMSTATE_REDIS_TLS_CERT',
    ...pem,
  }),
  'redis-tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_REDIS_TLS_KEY',
    ...pem,
  }),
};

/** Flags of `serve` and the client commands: the TLS to etcd. */
export const etcdTlsFlags = {
  'etcd-tls-ca': textFlag({
    description:
      "authorities of etcd's certificate (PEM), for https:// nodes [default: those that Node.js trusts]",
    env: 'IMSTATE_ETCD_TLS_CA',
    ...pem,
  }),
  'etcd-tls-cert': textFlag({
    description: 'certificate to show to etcd (PEM)',
    env: 'IMSTATE_ETCD_TLS_CERT',
    ...pem,
  }),
  'etcd-tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_ETCD_TLS_KEY',
    ...pem,
  }),
};

/** The files of the TLS to Redis. */
export function redisTls(flags: Parsed<typeof redisTlsFlags>): TlsFiles | undefined {
  return given({ ca: flags['redis-tls-ca'], cert: flags['redis-tls-cert'], key: flags['redis-tls-key'] });
}

/** The files of the TLS to etcd. */
export function etcdTls(flags: Parsed<typeof etcdTlsFlags>): TlsFiles | undefined {
  return given({ ca: flags['etcd-tls-ca'], cert: flags['etcd-tls-cert'], key: flags['etcd-tls-key'] });
}

/** The TLS of the port; undefined for plain gRPC. */
export function daemonTls(flags: Parsed<typeof daemonTlsFlags>): TlsFiles | undefined {
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

/** What {@link clientTls} and {@link etcdTls} read. */
export type ClientTlsFlags = { tls: boolean } & Omit<Parsed<typeof clientTlsFlags>, 'tls'> &
  Parsed<typeof etcdTlsFlags>;

/** How to call the daemons: undefined for plain gRPC. */
export function clientTls(flags: ClientTlsFlags): true | TlsOptions | undefined {
  const files = { ca: flags['tls-ca'], cert: flags['tls-cert'], key: flags['tls-key'] };
  return given({ ...files, serverName: flags['tls-server-name'] }) ?? (flags.tls || undefined);
}

/** The options if any of them is given. */
function given<Options extends object>(options: Options): Options | undefined {
  return Object.values(options).some((value) => value !== undefined) ? options : undefined;
}
