/** Paths of the PEM files of one side of TLS. */
export interface TlsFiles {
  /**
   * The CAs that may have signed the certificate of the other side. The default is the CAs that Node.js
   * trusts.
   */
  ca?: string | undefined;
  /** The own certificate, followed by the certificates between it and its CA. Needs `key`. */
  cert?: string | undefined;
  /** Private key of `cert`, without a passphrase. */
  key?: string | undefined;
}

/** The flags that name the files, for messages. */
export type TlsNames = Record<keyof TlsFiles, string>;

/** The flags of the gRPC port, of a client, of Redis and of etcd. */
export const TLS_NAMES = {
  daemon: { ca: '--tls-client-ca', cert: '--tls-cert', key: '--tls-key' },
  client: { ca: '--tls-ca', cert: '--tls-cert', key: '--tls-key' },
  redis: { ca: '--redis-tls-ca', cert: '--redis-tls-cert', key: '--redis-tls-key' },
  etcd: { ca: '--etcd-tls-ca', cert: '--etcd-tls-cert', key: '--etcd-tls-key' },
} satisfies Record<string, TlsNames>;
