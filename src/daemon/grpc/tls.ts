import type { RequestListener } from 'node:http';
import { createServer as createHttps, type Server as HttpsServer, type ServerOptions } from 'node:https';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { readTls, type TlsContext, type TlsMaterial } from 'imstate-client/internal/tls/files';
import { TLS_NAMES, type TlsFiles } from 'imstate-client/internal/tls/names';
import type { Logger } from 'pino';

/** How often the files are looked at. */
const POLL_INTERVAL_MS = 1_000;

/**
 * The TLS of the ports: a certificate, and with `ca` (the authorities of the clients) mutual TLS. When the files change, new
 * connections get what they hold then; connections that stand, and their calls, go on.
 */
export class DaemonTls {
  readonly credentials: ReplaceableCredentials;
  readonly #files: TlsFiles;
  readonly #https: HttpsServer[] = [];
  #material: TlsMaterial;
  /** What is wrong with the files as they are now, and whether it has been said. */
  #fault = { message: '', isTold: false };

  /** Throws BAD_CERTIFICATE if a file cannot be used. */
  constructor(files: TlsFiles) {
    this.#files = files;
    if (files.cert === undefined) {
      throw new ImstateError('WRONG_USAGE', '--tls-client-ca needs --tls-cert and --tls-key: give all three');
    }
    this.#material = readTls(files, TLS_NAMES.daemon);
    this.credentials = new ReplaceableCredentials(this.#material.context, files.ca !== undefined);
  }

  /** When the certificate that new connections get ends. */
  get validUntil(): Date {
    return endOf(this.#material);
  }

  /** True if the files cannot be used as they are now: the certificate from before stays. */
  get isStale(): boolean {
    return this.#fault.isTold;
  }

  /** Whether clients must show a certificate. */
  get isMutual(): boolean {
    return this.#files.ca !== undefined;
  }

  /** Whether clients that dial this host (a name or an IP address) will take the certificate for its. */
  isFor(host: string): boolean {
    const { certificate } = this.#material;
    return (isIP(host) === 0 ? certificate?.checkHost(host) : certificate?.checkIP(host)) !== undefined;
  }

  /**
   * A server of HTTPS with the same certificate, which is replaced with it. Where TLS is mutual a client is asked for a certificate
   * and served without: `socket.authorized` says whether it has shown a good one.
   */
  serveHttps(options: ServerOptions, listener: RequestListener): HttpsServer {
    const asks = { requestCert: this.isMutual, rejectUnauthorized: false };
    const server = createHttps({ ...options, ...this.#material.context, ...asks }, listener);
    this.#https.push(server);
    return server;
  }

  /** Follows the files until the signal aborts. Not by events of the file system: where a folder is swapped there are none. */
  async follow(log: Logger, signal: AbortSignal, lookMs = POLL_INTERVAL_MS): Promise<void> {
    while (await delay(lookMs, true, { signal }).catch(() => false)) this.#look(log);
  }

  #look(log: Logger): void {
    try {
      const material = readTls(this.#files, TLS_NAMES.daemon, this.#material);
      this.#fault = { message: '', isTold: false };
      if (material === this.#material) return;
      this.credentials.replace(material.context);
      for (const server of this.#https) server.setSecureContext(material.context);
      this.#material = material;
      log.info(
        `the certificate was replaced: new connections get the one that is valid until ${this.validUntil.toISOString()}`,
      );
    } catch (error) {
      this.#keep(messageOf(error), log);
    }
  }

  /** Files are written one after the other: what is wrong at one look only is not worth a line. */
  #keep(message: string, log: Logger): void {
    if (message !== this.#fault.message) {
      this.#fault = { message, isTold: false };
    } else if (!this.#fault.isTold) {
      this.#fault.isTold = true;
      log.error(
        `${message}; until then the certificate from before stays, valid until ${this.validUntil.toISOString()}`,
      );
    }
  }
}

/** Credentials of a server whose certificate may be replaced. What grpc-js brings refuses everybody while a file is broken. */
class ReplaceableCredentials extends ServerCredentials {
  constructor(context: TlsContext, isMutual: boolean) {
    super({ requestCert: isMutual, rejectUnauthorized: isMutual }, context);
  }

  replace(context: TlsContext): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

function endOf({ certificate }: TlsMaterial): Date {
  return new Date(certificate?.validTo ?? 0);
}
