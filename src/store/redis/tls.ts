import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { followTls } from 'imstate-client/internal/tls/files';
import { TLS_NAMES, type TlsFiles } from 'imstate-client/internal/tls/names';

/**
 * What ioredis is to give to tls.connect(). It copies these options for each connection, and so asks for the context each time:
 * a connection that is made again takes what the files hold then.
 */
export function redisTls(files: TlsFiles = {}, servername?: string): ConnectionOptions {
  const material = followTls(files, TLS_NAMES.redis);
  return {
    ...(servername !== undefined && { servername }),
    get secureContext() {
      return createSecureContext(material().context);
    },
  };
}
