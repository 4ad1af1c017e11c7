/** The files of one side of TLS: paths of PEM files. */
export interface TlsFiles {
  /** Authorities of which the other side's certificate must be; those that Node.js trusts if it is left out. */
  ca?: string | undefined;
  /** The certificate to show, followed by those between it and its authority. Goes with `key`. */
  cert?: string | undefined;
  /** Private key of the certificate, without a passphrase. */
  key?: string | undefined;
}

/** How the flags are called that name the files, for messages. */
export type TlsNames = Record<keyof TlsFiles, string>;

/** The flags of the TLS of the gRPC port, of Redis and of etcd, and those of a client. */
export const TLS_NAMES = {
  daemon: { ca: '--tls-client-ca', cert: '--tls-cert', key: '--tls-key' },
  client: { ca: '--tls-ca', cert: '--tls-cert', key: '--tls-key' },
  redis: { ca: '--redis-tls-ca', cert: '--redis-tls-cert', key: '--redis-tls-key' },
  etcd: { ca: '--etcd-tls-ca', cert: '--etcd-tls-cert', key: '--etcd-tls-key' },
} satisfies Record<string, TlsNames>;
