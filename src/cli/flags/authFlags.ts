import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { AuthOptions } from '../../daemon/auth/authenticator.js';
import { textFlag } from './flags.js';

const auth = { helpGroup: 'AUTH' };

/** Flags of `serve`: how callers prove who they are. */
export const authFlags = {
  'auth-tokens': textFlag({
    description: 'take the tokens that this file lists; imstate token create makes it',
    env: 'IMSTATE_AUTH_TOKENS',
    helpValue: 'FILE',
    ...auth,
  }),
  'auth-jwt-issuer': textFlag({
    description: 'take JWTs of this issuer (iss)',
    env: 'IMSTATE_AUTH_JWT_ISSUER',
    helpValue: 'TEXT',
    ...auth,
  }),
  'auth-jwt-audience': textFlag({
    description: 'audience (aud) that the JWTs must be for',
    env: 'IMSTATE_AUTH_JWT_AUDIENCE',
    helpValue: 'TEXT',
    ...auth,
  }),
  'auth-jwt-jwks': textFlag({
    description: "the issuer's public keys, a JSON Web Key Set",
    env: 'IMSTATE_AUTH_JWT_JWKS',
    helpValue: 'FILE|URL',
    ...auth,
  }),
  'auth-certificates': textFlag({
    description: 'take the client certificates that this file lists; needs --tls-client-ca',
    env: 'IMSTATE_AUTH_CERTIFICATES',
    helpValue: 'FILE',
    ...auth,
  }),
};

/** How callers prove who they are; undefined if they need not. */
export function authOptions(
  flags: Record<keyof typeof authFlags | 'tls-client-ca', string | undefined>,
): AuthOptions | undefined {
  const { 'auth-tokens': tokens, 'auth-certificates': certificates } = flags;
  const jwt = jwtOptions(flags);
  if (certificates !== undefined && flags['tls-client-ca'] === undefined) {
    throw new ImstateError(
      'WRONG_USAGE',
      '--auth-certificates needs --tls-client-ca, the authorities that sign the clients',
    );
  }
  if (tokens === undefined && certificates === undefined && jwt === undefined) return undefined;
  return { tokens, certificates, jwt };
}

function jwtOptions(flags: Record<keyof typeof authFlags, string | undefined>): AuthOptions['jwt'] {
  const { 'auth-jwt-issuer': issuer, 'auth-jwt-audience': audience, 'auth-jwt-jwks': jwks } = flags;
  if (issuer !== undefined && audience !== undefined && jwks !== undefined) return { issuer, audience, jwks };
  if (issuer === undefined && audience === undefined && jwks === undefined) return undefined;
  throw new ImstateError(
    'WRONG_USAGE',
    '--auth-jwt-issuer, --auth-jwt-audience and --auth-jwt-jwks go together: give all three, or none',
  );
}
