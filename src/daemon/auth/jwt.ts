import { ImstateError } from 'imstate-client/internal/shared/errors';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { openJwks } from './jwks.js';
import type { Jwks } from './keySet.js';
import { readGrant } from './records.js';
import type { Caller } from './roles.js';

/** Which JWTs are accepted. */
export interface JwtOptions {
  /** What `iss` must be. */
  issuer: string;
  /** What `aud` must be or hold. */
  audience: string;
  /** File or URL of the issuer's public keys. */
  jwks: string;
}

/** Signatures by a private key. None by a shared secret, which the daemon would have to know. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** How much the clock of the issuer may differ. Seconds. */
const CLOCK_SKEW_S = 5;
const MAX_NAME = 64;

/** Verifies JWTs of one issuer. */
export class Jwts {
  readonly #options: JwtOptions;
  readonly #keys: Jwks;

  private constructor(options: JwtOptions, keys: Jwks) {
    this.#options = options;
    this.#keys = keys;
  }

  /** `onChange` is called when the keys may have changed. Rejects as openJwks() does. */
  static async open(options: JwtOptions, log: Logger, onChange: () => void): Promise<Jwts> {
    return new Jwts(options, await openJwks(options.jwks, log, onChange));
  }

  /** The identity of a JWT. Rejects with UNAUTHENTICATED, or with PERMISSION_DENIED if it grants no role. */
  async callerOf(jwt: string): Promise<Caller> {
    const { issuer, audience } = this.#options;
    const { payload } = await jwtVerify(jwt, this.#keys.keyOf, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_SKEW_S,
      requiredClaims: ['exp'],
    }).catch((error) => {
      throw new ImstateError('UNAUTHENTICATED', `the JWT ${this.#whyNot(error)}`);
    });
    return toCaller(payload);
  }

  /** See Jwks.isStale. */
  get isStale(): boolean {
    return this.#keys.isStale;
  }

  close(): void {
    this.#keys.close();
  }

  #whyNot(error: unknown): string {
    if (error instanceof errors.JWTExpired) return 'has expired: get a new one';
    if (error instanceof errors.JWTClaimValidationFailed) return this.#wrongClaim(error.claim);
    if (error instanceof errors.JWKSNoMatchingKey)
      return 'is not signed by a current key of its issuer: get a new one';
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      return 'names no key (kid), and several keys of its issuer fit: set kid';
    }
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return 'has a signature that does not match the key of its issuer';
    if (error instanceof errors.JOSEAlgNotAllowed) return `must be signed by one of ${ALGORITHMS.join(', ')}`;
    if (!(error instanceof errors.JOSEError)) {
      return 'cannot be verified: the key set of its issuer has an unusable key, or the JWT is malformed';
    }
    return 'cannot be parsed: send it complete, as its issuer created it';
  }

  #wrongClaim(claim: string): string {
    const { issuer, audience } = this.#options;
    const rules: Record<string, string> = {
      iss: `must have the issuer (iss) ${issuer}`,
      aud: `must have the audience (aud) ${audience}`,
      exp: 'must have an expiry (exp)',
      nbf: 'is not valid yet (nbf)',
    };
    return rules[claim] ?? 'has a claim that is not valid';
  }
}

function toCaller(payload: JWTPayload): Caller {
  const subject = subjectOf(payload);
  const name = `the JWT of ${JSON.stringify(subject.slice(0, MAX_NAME))}`;
  const { role, serverAddrs } = grantOf(payload, name);
  const overAtMs = ((payload.exp as number) + CLOCK_SKEW_S) * 1_000;
  return {
    name,
    identity: { kind: 'JWT', name: subject },
    role,
    serverAddrs: serverAddrs && new Set(serverAddrs),
    fault: () =>
      Date.now() < overAtMs
        ? undefined
        : new ImstateError('UNAUTHENTICATED', `${name} has expired: get a new one`),
  };
}

/** Issuers may put anything into a claim: jose checks only the types of those that it verifies. */
function subjectOf({ sub }: { sub?: unknown }): string {
  if (sub === undefined || typeof sub === 'string') return sub ?? '';
  throw new ImstateError('UNAUTHENTICATED', 'the subject (sub) of the JWT must be a string, or missing');
}

function grantOf({ imstate_role: role, imstate_servers: servers }: JWTPayload, name: string) {
  try {
    return readGrant({ role, servers });
  } catch (error) {
    const rule = (error as Error).message;
    const message = `${name} grants no role: its claim imstate_${rule}`;
    throw new ImstateError('PERMISSION_DENIED', message);
  }
}
