import { Flags } from '@oclif/core';
import type { TokenOptions } from 'imstate-client/internal/connection/bearerToken';
import { textFlag } from './flagTypes.js';

/** Flags of the client commands: the token of their calls. */
export const tokenFlags = {
  'token-file': textFlag({
    description: 'file with the token or JWT to send',
    env: 'IMSTATE_TOKEN_FILE',
    helpValue: 'FILE',
  }),
  'plaintext-token': Flags.boolean({
    description: 'send the token without TLS to other machines',
    env: 'IMSTATE_PLAINTEXT_TOKEN',
  }),
};

/** What {@link tokenOptions} reads. */
export interface TokenFlags {
  'token-file': string | undefined;
  'plaintext-token': boolean;
}

/** The token of a client, from a file or the environment. It has no flag, so that `ps` never shows it. */
export function tokenOptions(flags: TokenFlags): TokenOptions {
  const tokenFile = flags['token-file'];
  const token = tokenFile === undefined ? process.env.IMSTATE_TOKEN || undefined : undefined;
  return { token, tokenFile, plaintextToken: flags['plaintext-token'] };
}
