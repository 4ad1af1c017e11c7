import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { DenialLog } from '../auth/denialLog.js';
import type { Guard } from '../auth/guard.js';
import { identityOf } from '../auth/identity.js';
import { type Caller, checkBound, type Role } from '../auth/roles.js';
import type { DaemonTls } from '../grpc/tls.js';
import { certificateOf } from './auditedRoute.js';
import { OriginPolicy } from './origin.js';
import { relatedMetadata } from './relatedMetadata.js';
import type { Route } from './routes.js';
import type { TrustedProxies } from './trustedProxies.js';

/** The parts of {@link HttpAccess}. */
export interface AccessParts {
  /** Undefined if authentication is off. */
  guard: Guard | undefined;
  /** The TLS of the gRPC port, which the HTTP port shares. */
  tls: DaemonTls | undefined;
  /** Origins of the console that the operator has named. */
  origins: readonly string[];
  proxies: TrustedProxies;
  denials: DenialLog;
}

/** Authenticates and authorizes requests, by the same rules as gRPC. */
export class HttpAccess {
  readonly #guard: Guard | undefined;
  readonly #needsCertificate: boolean;
  readonly #origins: OriginPolicy;
  readonly #proxies: TrustedProxies;
  readonly #denials: DenialLog;

  constructor({ guard, tls, origins, proxies, denials }: AccessParts) {
    this.#guard = guard;
    this.#needsCertificate = tls?.isMutual ?? false;
    this.#origins = new OriginPolicy(origins, proxies);
    this.#proxies = proxies;
    this.#denials = denials;
  }

  /**
   * The identity of the caller; undefined if it does not matter. Rejects with UNAUTHENTICATED or
   * PERMISSION_DENIED, and with INVALID_ARGUMENT for a change that is not JSON.
   */
  async callerOf(request: IncomingMessage, { role, path, isSignIn }: Route): Promise<Caller | undefined> {
    if (role === undefined) return undefined;
    const caller = await this.#knownCaller(request, { role, path, isSignIn });
    this.#checkOrigin(request, { path, caller });
    return caller;
  }

  /** Throws PERMISSION_DENIED if the caller is bound to other chat servers than the named one, and logs it. */
  checkServer(
    request: IncomingMessage,
    { path, caller }: { path: string; caller: Caller | undefined },
    server: { field: string; addr: string },
  ): void {
    if (caller === undefined) return;
    try {
      checkBound(caller, server);
    } catch (error) {
      throw this.#denials.note(error, { ...this.#called(request, path), caller });
    }
  }

  /** A denied page of another origin is logged, like a caller without the role. */
  #checkOrigin(
    request: IncomingMessage,
    { path, caller }: { path: string; caller: Caller | undefined },
  ): void {
    try {
      this.#origins.check({ request, caller });
    } catch (error) {
      if (!(error instanceof ImstateError) || error.code !== 'PERMISSION_DENIED') throw error;
      const identity = identityOf(caller, certificateOf(request));
      throw this.#denials.note(error, { ...this.#called(request, path), caller, identity });
    }
  }

  async #knownCaller(
    request: IncomingMessage,
    { role, path, isSignIn = false }: { role: Role; path: string; isSignIn: boolean | undefined },
  ): Promise<Caller | undefined> {
    const socket = request.socket as TLSSocket;
    if (this.#needsCertificate && !socket.authorized) {
      const message =
        'client certificate required: present one signed by a CA in --tls-client-ca of the daemon';
      const error = new ImstateError('UNAUTHENTICATED', message);
      throw isSignIn
        ? error
        : this.#denials.note(error, { ...this.#called(request, path), caller: undefined });
    }
    if (this.#guard === undefined) return undefined;
    // With what relates the request to others: a denial is recorded with its ID.
    const metadata = relatedMetadata(request);
    const { authorization } = request.headers;
    // No credential has other bytes. Metadata would throw, with the value in its message, which is logged.
    if (authorization !== undefined)
      metadata.set('authorization', isAscii(authorization) ? authorization : '');
    return this.#guard.callerOf(metadata, guardedPeer(request, this.#proxies), {
      role,
      method: `${request.method} ${path}`,
      isExpected: isSignIn && authorization === undefined,
    });
  }

  /** A request as denials name it. */
  #called(request: IncomingMessage, path: string) {
    const metadata = relatedMetadata(request);
    return { method: `${request.method} ${path}`, peer: this.#proxies.peerOf(request), metadata };
  }
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** The peer in the form in which the guard sees peers of gRPC. */
function guardedPeer(request: IncomingMessage, proxies: TrustedProxies) {
  const socket = request.socket as TLSSocket;
  return {
    stream: { session: socket },
    getPeer: () => proxies.peerOf(request),
    getAuthContext: () => (socket.authorized ? { sslPeerCertificate: socket.getPeerCertificate() } : {}),
  };
}
