import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { AuthOptions } from '../../daemon/auth/authenticator.js';
import { textFlag, underHeading } from './flagTypes.js';

/** Flags of `serve`: how callers authenticate. */
export const authFlags = underHeading('AUTHENTICATION', {
  'auth-tokens': textFlag({
    description: 'accept the tokens in this file',
    env: 'IMSTATE_AUTH_TOKENS',
    helpValue: 'FILE',
  }),
  'auth-jwt-issuer': textFlag({
    description: 'accept JWTs of this issuer (iss)',
    env: 'IMSTATE_AUTH_JWT_ISSUER',
    helpValue: 'TEXT',
  }),
  'auth-jwt-audience': textFlag({
    description: 'audience (aud) of accepted JWTs',
    env: 'IMSTATE_AUTH_JWT_AUDIENCE',
    helpValue: 'TEXT',
  }),
  'auth-jwt-jwks': textFlag({
    description: 'public keys of the issuer, a JSON Web Key Set',
    env: 'IMSTATE_AUTH_JWT_JWKS',
    helpValue: 'FILE|URL',
  }),
  'auth-certificates': textFlag({
    description: 'accept the client certificates in this file',
    env: 'IMSTATE_AUTH_CERTIFICATES',
    helpValue: 'FILE',
  }),
});

const JWT_FLAGS = ['auth-jwt-issuer', 'auth-jwt-audience', 'auth-jwt-jwks'] as const;

/** How callers authenticate; undefined without authentication. */
export function authOptions(
  flags: Record<keyof typeof authFlags | 'tls-client-ca', string | undefined>,
): AuthOptions | undefined {
  const { 'auth-tokens': tokens, 'auth-certificates': certificates } = flags;
  const jwt = jwtOptions(flags);
  if (certificates !== undefined && flags['tls-client-ca'] === undefined) {
    throw new ImstateError(
      'WRONG_USAGE',
      '--auth-certificates needs --tls-client-ca, the CAs of the clients',
      { field: '--auth-certificates' },
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
    { field: `--${JWT_FLAGS.find((name) => flags[name] !== undefined)}` },
  );
}
