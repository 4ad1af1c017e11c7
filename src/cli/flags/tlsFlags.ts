import { Flags } from '@oclif/core';
import type { TlsOptions } from 'imstate-client/internal/connection/tlsCredentials';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { textFlag, underHeading } from './flagTypes.js';

/** The flags, parsed. */
type Parsed<Flags> = { [name in keyof Flags]: string | undefined };

/** Flags of `serve`: TLS of its port. */
export const daemonTlsFlags = underHeading('TLS', {
  'tls-cert': textFlag({
    description: 'certificate of the daemon, then intermediates (PEM)',
    env: 'IMSTATE_TLS_CERT',
    helpValue: 'FILE',
  }),
  'tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_TLS_KEY',
    helpValue: 'FILE',
  }),
  'tls-client-ca': textFlag({
    description: 'CAs of the clients, which need certificates',
    env: 'IMSTATE_TLS_CLIENT_CA',
    helpValue: 'FILE',
  }),
});

/** Flags of `serve`: TLS to Redis. */
export const redisTlsFlags = underHeading('TLS', {
  'redis-tls-ca': textFlag({
    description: 'CAs of Redis (PEM) [default: those of Node.js]',
    env: 'IMSTATE_REDIS_TLS_CA',
    helpValue: 'FILE',
  }),
  'redis-tls-cert': textFlag({
    description: 'client certificate for Redis (PEM)',
    env: 'IMSTATE_REDIS_TLS_CERT',
    helpValue: 'FILE',
  }),
  'redis-tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_REDIS_TLS_KEY',
    helpValue: 'FILE',
  }),
});

/** Flags of `serve` and the client commands: TLS to etcd. */
export const etcdTlsFlags = underHeading('TLS', {
  'etcd-tls-ca': textFlag({
    description: 'CAs of etcd (PEM) [default: those of Node.js]',
    env: 'IMSTATE_ETCD_TLS_CA',
    helpValue: 'FILE',
  }),
  'etcd-tls-cert': textFlag({
    description: 'client certificate for etcd (PEM)',
    env: 'IMSTATE_ETCD_TLS_CERT',
    helpValue: 'FILE',
  }),
  'etcd-tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_ETCD_TLS_KEY',
    helpValue: 'FILE',
  }),
});

/** TLS to Redis; undefined without its flags. */
export function redisTls(flags: Parsed<typeof redisTlsFlags>): TlsFiles | undefined {
  return given({ ca: flags['redis-tls-ca'], cert: flags['redis-tls-cert'], key: flags['redis-tls-key'] });
}

/** TLS to etcd; undefined without its flags. */
export function etcdTls(flags: Parsed<typeof etcdTlsFlags>): TlsFiles | undefined {
  return given({ ca: flags['etcd-tls-ca'], cert: flags['etcd-tls-cert'], key: flags['etcd-tls-key'] });
}

/** TLS of the port; undefined for plain gRPC. */
export function daemonTls(flags: Parsed<typeof daemonTlsFlags>): TlsFiles | undefined {
  return given({ ca: flags['tls-client-ca'], cert: flags['tls-cert'], key: flags['tls-key'] });
}

/** Flags of the client commands: TLS to the daemons. */
export const clientTlsFlags = {
  tls: Flags.boolean({
    description: 'call over TLS; implied by other --tls flags',
    env: 'IMSTATE_TLS',
  }),
  'tls-ca': textFlag({
    description: 'CAs of the daemons [default: those of Node.js]',
    env: 'IMSTATE_TLS_CA',
    helpValue: 'FILE',
  }),
  'tls-cert': textFlag({
    description: 'client certificate for the daemons (PEM)',
    env: 'IMSTATE_TLS_CERT',
    helpValue: 'FILE',
  }),
  'tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_TLS_KEY',
    helpValue: 'FILE',
  }),
  'tls-server-name': textFlag({
    description: 'server name to check [default: the host]',
    env: 'IMSTATE_TLS_SERVER_NAME',
    helpValue: 'NAME',
  }),
};

/** What {@link clientTls} and {@link etcdTls} read. */
export type ClientTlsFlags = { tls: boolean } & Omit<Parsed<typeof clientTlsFlags>, 'tls'> &
  Parsed<typeof etcdTlsFlags>;

/** TLS to the daemons; undefined for plain gRPC. */
export function clientTls(flags: ClientTlsFlags): true | TlsOptions | undefined {
  const files = { ca: flags['tls-ca'], cert: flags['tls-cert'], key: flags['tls-key'] };
  return given({ ...files, serverName: flags['tls-server-name'] }) ?? (flags.tls || undefined);
}

/** The options, if any of them is set. */
function given<Options extends object>(options: Options): Options | undefined {
  return Object.values(options).some((value) => value !== undefined) ? options : undefined;
}
