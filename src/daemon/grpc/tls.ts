import type { RequestListener } from 'node:http';
import { createServer as createHttps, type Server as HttpsServer, type ServerOptions } from 'node:https';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { readTls, type TlsContext, type TlsMaterial } from 'imstate-client/internal/tls/files';
import { TLS_NAMES, type TlsFiles } from 'imstate-client/internal/tls/names';
import type { Logger } from 'pino';

/** How often the files are checked for changes. */
const POLL_INTERVAL_MS = 1_000;

/**
 * The TLS of the ports: a certificate, and with `ca` (the CA of the clients) mutual TLS. When the files
 * change, new connections use the new content. Open connections and their calls are not affected.
 */
export class DaemonTls {
  readonly credentials: ReplaceableCredentials;
  readonly #files: TlsFiles;
  readonly #https: HttpsServer[] = [];
  #material: TlsMaterial;
  /** What is wrong with the files now, and whether it was logged. */
  #fault = { message: '', isLogged: false };

  /** Throws BAD_CERTIFICATE if a file cannot be used. */
  constructor(files: TlsFiles) {
    this.#files = files;
    if (files.cert === undefined) {
      const message = '--tls-client-ca needs --tls-cert and --tls-key: give all three';
      throw new ImstateError('WRONG_USAGE', message, { field: TLS_NAMES.daemon.ca });
    }
    this.#material = readTls(files, TLS_NAMES.daemon);
    this.credentials = new ReplaceableCredentials(this.#material.context, files.ca !== undefined);
  }

  /** When the current certificate expires. */
  get validUntil(): Date {
    return endOf(this.#material);
  }

  /** True if the files cannot be used as they are now: the previous certificate stays in use. */
  get isStale(): boolean {
    return this.#fault.isLogged;
  }

  /** True if clients must present a certificate. */
  get isMutual(): boolean {
    return this.#files.ca !== undefined;
  }

  /** True if clients that dial this host (a name or an IP address) accept the certificate. */
  isFor(host: string): boolean {
    const { certificate } = this.#material;
    return (isIP(host) === 0 ? certificate?.checkHost(host) : certificate?.checkIP(host)) !== undefined;
  }

  /**
   * An HTTPS server with the same certificate, which is replaced together with it. With mutual TLS a client
   * is asked for a certificate, but served without one: `socket.authorized` tells whether it presented a
   * valid one.
   */
  serveHttps(options: ServerOptions, listener: RequestListener): HttpsServer {
    const asks = { requestCert: this.isMutual, rejectUnauthorized: false };
    const server = createHttps({ ...options, ...this.#material.context, ...asks }, listener);
    this.#https.push(server);
    return server;
  }

  /**
   * Follows the files until the signal aborts. It polls, because swapping a directory makes no file system
   * event.
   */
  async follow(log: Logger, signal: AbortSignal, pollIntervalMs = POLL_INTERVAL_MS): Promise<void> {
    while (await delay(pollIntervalMs, true, { signal }).catch(() => false)) this.#poll(log);
  }

  #poll(log: Logger): void {
    try {
      const material = readTls(this.#files, TLS_NAMES.daemon, this.#material);
      this.#fault = { message: '', isLogged: false };
      if (material === this.#material) return;
      this.credentials.replace(material.context);
      for (const server of this.#https) server.setSecureContext(material.context);
      this.#material = material;
      log.info({ validUntil: this.validUntil }, 'certificate replaced: new connections use the new one');
    } catch (error) {
      this.#keep(messageOf(error), log);
    }
  }

  /** Files are written one after the other: only a fault at two polls in a row is logged. */
  #keep(message: string, log: Logger): void {
    if (message !== this.#fault.message) {
      this.#fault = { message, isLogged: false };
    } else if (!this.#fault.isLogged) {
      this.#fault.isLogged = true;
      log.error(
        { reason: message, validUntil: this.validUntil },
        'certificate cannot be replaced: the previous one stays in use',
      );
    }
  }
}

/**
 * Server credentials with a replaceable certificate. Those of grpc-js reject everybody while a file is
 * broken.
 */
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
