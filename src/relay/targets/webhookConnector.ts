import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { followTls } from 'imstate-client/internal/tls/files';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { buildConnector } from 'undici';
import { TARGET_TLS_NAMES } from './connecting.js';
import { publicLookup } from './privateAddresses.js';

/**
 * Opens connections for undici with the current files of TLS, and unless allowed otherwise only to public addresses.
 * The connector of undici would not end connections that are still being opened.
 */
export class WebhookConnector {
  readonly #material: ReturnType<typeof followTls>;
  readonly #lookup: { lookup?: ReturnType<typeof publicLookup> };
  readonly #timeoutMs: number;
  readonly #opening = new Set<Socket>();

  /** Throws BAD_CERTIFICATE or WRONG_USAGE for the files. */
  constructor(tls: TlsFiles, { allowPrivate, timeoutMs }: { allowPrivate: boolean; timeoutMs: number }) {
    this.#material = followTls(tls, TARGET_TLS_NAMES);
    this.#lookup = allowPrivate ? {} : { lookup: publicLookup() };
    this.#timeoutMs = timeoutMs;
  }

  readonly connect: buildConnector.connector = (to, callback) => {
    const socket = this.#open(to);
    const timedOut = new Error(`no connection within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => socket.destroy(timedOut), this.#timeoutMs);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      // Once it is open, undici reports its errors.
      if (!this.#opening.delete(socket)) return;
      if (error) callback(error, null);
      else callback(null, socket);
    };
    this.#opening.add(socket);
    socket.setNoDelay(true).on('error', settle);
    socket.once(to.protocol === 'https:' ? 'secureConnect' : 'connect', () => settle());
  };

  /** Ends the connections that are being opened. */
  close(): void {
    for (const socket of this.#opening) socket.destroy(new Error('the webhook is closed'));
  }

  #open({ protocol, hostname: host, port }: buildConnector.Options): Socket {
    if (protocol === 'http:') return connectPlain({ ...this.#lookup, host, port: Number(port || 80) });
    return connectTls({
      ...this.#material().context,
      ...this.#lookup,
      host,
      port: Number(port || 443),
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
    });
  }
}
