import type { IOptions } from 'etcd3';
import { readTls } from '../../tls/files.js';
import { TLS_NAMES, type TlsFiles } from '../../tls/names.js';
import { badHosts } from './hosts.js';

/** The TLS options of the etcd client, for https:// hosts. The files are read once. */
export function etcdTls(hosts: string[], files: TlsFiles | undefined): Pick<IOptions, 'credentials'> {
  if (files === undefined) return {};
  if (!hosts.every((host) => host.startsWith('https://'))) {
    throw badHosts('--etcd-tls-ca, --etcd-tls-cert and --etcd-tls-key need https:// in front of each node');
  }
  const { ca, cert, key } = readTls(files, TLS_NAMES.etcd).context;
  const credentials = {
    ...(ca !== undefined && { rootCertificate: Buffer.from(ca) }),
    ...(cert !== undefined && { certChain: Buffer.from(cert) }),
    ...(key !== undefined && { privateKey: Buffer.from(key) }),
  };
  // Without a CA, gRPC uses those that Node.js trusts. The types of etcd3 do not allow that.
  return { credentials: credentials as IOptions['credentials'] & {} };
}
