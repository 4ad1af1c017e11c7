import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { followTls } from 'imstate-client/internal/tls/files';
import { TLS_NAMES, type TlsFiles } from 'imstate-client/internal/tls/names';

/**
 * The options that ioredis passes to tls.connect(). It copies them for each connection, and so reads the
 * context each time: a reconnect uses the current content of the files.
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
