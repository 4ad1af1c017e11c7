import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { LIMITS } from '../../presence/limits.js';
import { Certificates } from './certificates.js';
import type { AuthParts } from './credentialChanges.js';
import type { JwtOptions, Jwts } from './jwt.js';
import type { Caller } from './roles.js';
import { TOKEN_PREFIX } from './tokenFile.js';
import { Tokens } from './tokens.js';

/** How callers authenticate; at least one way is set. */
export interface AuthOptions {
  /** File of tokens, see tokenFile.ts. */
  tokens?: string | undefined;
  jwt?: JwtOptions | undefined;
  /** File of client certificates, see certificates.ts. */
  certificates?: string | undefined;
}

/** The peer of a call. */
export type Peer = Pick<ServerInterceptingCallInterface, 'getPeer' | 'getAuthContext'>;

/** How many credentials are cached. Beyond that, the oldest is checked again. */
const MAX_REMEMBERED = 4_096;
/** Finds the identity of callers. A checked credential is cached until it is no longer valid. */
export class Authenticator {
  #tokens: Tokens | undefined;
  #jwts: Jwts | undefined;
  #certificates: Certificates | undefined;
  #byAuthorization = new Map<string, Caller | Promise<Caller>>();
  #byConnection = new WeakMap<object, Caller>();

  private constructor() {}

  /** Rejects with AUTH_FILE_UNUSABLE, WRONG_USAGE or AUTH_KEYS_UNAVAILABLE. */
  static async open({ tokens, jwt, certificates }: AuthOptions, parts: AuthParts): Promise<Authenticator> {
    const { log } = parts;
    const made = new Authenticator();
    const clearCache = () => made.#clearCache();
    try {
      if (tokens !== undefined) made.#tokens = await Tokens.open(tokens, parts);
      if (certificates !== undefined)
        made.#certificates = await Certificates.open(certificates, parts, clearCache);
      if (jwt !== undefined) made.#jwts = await (await import('./jwt.js')).Jwts.open(jwt, log, clearCache);
    } catch (error) {
      made.close();
      throw error;
    }
    return made;
  }

  /**
   * The identity of a caller, by the header `authorization`, or else by the client certificate. Returns at
   * once if it is cached. Throws or rejects with UNAUTHENTICATED, or with PERMISSION_DENIED if the identity
   * has no role.
   */
  callerOf(metadata: Metadata, call: Peer): Caller | Promise<Caller> {
    const [authorization] = metadata.get('authorization');
    if (authorization !== undefined) return this.#byHeader(String(authorization));
    const caller = this.#certificates && this.#byCertificate(this.#certificates, call);
    if (caller !== undefined) return caller;
    throw new ImstateError('UNAUTHENTICATED', `authentication required: ${this.#howTo()}`);
  }

  /** The ways to authenticate, human-readable. */
  get ways(): string[] {
    return [
      ...(this.#tokens ? ['tokens'] : []),
      ...(this.#jwts ? ['JWTs'] : []),
      ...(this.#certificates ? ['client certificates'] : []),
    ];
  }

  /** How many files and URLs of credentials cannot be used now: their previous content stays in force. */
  get staleSources(): number {
    const sources = [this.#tokens, this.#jwts, this.#certificates];
    return sources.filter((source) => source?.isStale).length;
  }

  close(): void {
    this.#tokens?.close();
    this.#jwts?.close();
    this.#certificates?.close();
  }

  #byHeader(authorization: string): Caller | Promise<Caller> {
    const known = this.#byAuthorization.get(authorization);
    if (known instanceof Promise || (known && !known.fault())) return known;
    const maxLength = LIMITS.credential.max;
    if (authorization.length > maxLength) {
      throw new ImstateError(
        'UNAUTHENTICATED',
        `authorization must be at most ${maxLength} bytes; this one has ${authorization.length}: get a JWT with fewer claims`,
      );
    }
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (token === undefined) {
      throw new ImstateError('UNAUTHENTICATED', `authorization must be "Bearer TOKEN": ${this.#howTo()}`);
    }
    const caller = this.#byToken(token);
    this.#remember(authorization, caller);
    return caller;
  }

  #byToken(token: string): Caller | Promise<Caller> {
    if (this.#jwts !== undefined && !token.startsWith(TOKEN_PREFIX)) return this.#jwts.callerOf(token);
    if (this.#tokens !== undefined) return this.#tokens.callerOf(token);
    throw new ImstateError('UNAUTHENTICATED', `this kind of token is not accepted: ${this.#howTo()}`);
  }

  #remember(authorization: string, caller: Caller | Promise<Caller>): void {
    const known = this.#byAuthorization;
    known.delete(authorization);
    known.set(authorization, caller);
    const [oldest] = known.size > MAX_REMEMBERED ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    if (!(caller instanceof Promise)) return;
    // Sets it in the same map: a cache that was cleared meanwhile stays cleared.
    const settle = (found?: Caller) => {
      if (known.get(authorization) !== caller) return;
      if (found) known.set(authorization, found);
      else known.delete(authorization);
    };
    caller.then(settle, () => settle());
  }

  #byCertificate(certificates: Certificates, call: Peer): Caller | undefined {
    const connection = connectionOf(call);
    const known = connection && this.#byConnection.get(connection);
    if (known && !known.fault()) return known;
    const { sslPeerCertificate } = call.getAuthContext();
    if (sslPeerCertificate === undefined) return undefined;
    const caller = certificates.callerOf(sslPeerCertificate);
    if (connection) this.#byConnection.set(connection, caller);
    return caller;
  }

  #clearCache(): void {
    this.#byAuthorization = new Map();
    this.#byConnection = new WeakMap();
  }

  #howTo(): string {
    return `this daemon accepts ${this.ways.join(', ')}; clients send a token or JWT from --token-file or IMSTATE_TOKEN`;
  }
}

/**
 * Identifies the connection of a call. Reading a certificate takes as long as a whole call, and grpc-js has
 * no public way to recognize a connection. If its private field is missing, the certificate is read for each
 * call.
 */
function connectionOf(call: Peer): object | undefined {
  return (call as { stream?: { session?: object } }).stream?.session;
}
