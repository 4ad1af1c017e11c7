import { Flags } from '@oclif/core';
import type { TokenOptions } from 'imstate-client/internal/connection/bearerToken';
import { textFlag } from './flags.js';

/** Flags of the client commands: the token that their calls carry. */
export const tokenFlags = {
  'token-file': textFlag({
    description: 'file of the token (or JWT) to call with; IMSTATE_TOKEN may hold the token itself',
    env: 'IMSTATE_TOKEN_FILE',
    helpValue: 'FILE',
    helpGroup: 'AUTH',
  }),
  'plaintext-token': Flags.boolean({
    description: 'send the token without TLS to other machines too, though it can be read on the way',
    env: 'IMSTATE_PLAINTEXT_TOKEN',
    helpGroup: 'AUTH',
  }),
};

/** What {@link tokenOptions} reads. */
export interface TokenFlags {
  'token-file': string | undefined;
  'plaintext-token': boolean;
}

/** The token of a client: from a file, or from the environment; there is no flag for it, so that `ps` never shows it. */
export function tokenOptions(flags: TokenFlags): TokenOptions {
  const tokenFile = flags['token-file'];
  const token = tokenFile === undefined ? process.env.IMSTATE_TOKEN || undefined : undefined;
  return { token, tokenFile, plaintextToken: flags['plaintext-token'] };
}
