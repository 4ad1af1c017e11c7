import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';

/** The flag that names the keys, for messages. */
export const JWKS_FLAG = '--auth-jwt-jwks';

/** Finds the key of a JWT in a set of keys. */
export type KeySet = ReturnType<typeof createLocalJWKSet>;

/** The public keys of an issuer of JWTs, as they are now. */
export interface Jwks {
  readonly keyOf: JWTVerifyGetKey;
  /** True if the file or URL has no usable keys now: the previous ones stay in force. */
  readonly isStale: boolean;
  close(): void;
}

/** Shows nothing of the text: the file may hold a private key by mistake. */
export function parseKeys(text: string): KeySet {
  try {
    return createLocalJWKSet(JSON.parse(text));
  } catch {
    throw new Error('it must be a JSON Web Key Set, {"keys":[…]}');
  }
}
