import { Flags } from '@oclif/core';
import type { LoginPolicy, OnlineRequest } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { loginPolicies } from 'imstate-client/internal/wire/enums';
import type { DurationRule } from './durations.js';
import { durationFlag, textFlag } from './flags.js';

/** Which times to live a session may have. */
export const TTL_RULE: DurationRule = { min: 1_000, max: 30 * 86_400_000 };
/** The greatest incarnation of a chat server. */
export const MAX_INCARNATION = 2 ** 48 - 1;

const policyFlag = Flags.custom<LoginPolicy>({
  parse: async (text, _, { name }) => loginPolicies.parse(`--${name}`, text),
});

/** Flags that say what is reported of a login; all but --session are defaults for the records of a batch. */
export const loginFlags = {
  'server-addr': textFlag({
    char: 's',
    description: 'the chat server that holds the connection',
    env: 'IMSTATE_SERVER_ADDR',
    helpValue: 'HOST:PORT',
  }),
  session: textFlag({
    description: 'id of the session; the daemon makes one if it is left out',
    env: 'IMSTATE_SESSION',
    helpValue: 'ID',
  }),
  platform: textFlag({
    description: 'platform of the device, such as ios or web',
    env: 'IMSTATE_PLATFORM',
    helpValue: 'NAME',
  }),
  ttl: durationFlag({
    description: 'the session ends unless it is renewed within this time, 1s to 30d [default: no such limit]',
    env: 'IMSTATE_TTL',
    ...TTL_RULE,
    helpValue: 'TIME',
  }),
  metadata: textFlag({
    description: 'anything to say of the device; may be given several times',
    env: 'IMSTATE_METADATA',
    multiple: true,
    helpValue: 'KEY=VALUE,…',
  }),
  policy: policyFlag({
    description:
      "sessions on the user's other devices that the login ends: keep-all, replace-same-platform or replace-all [default: keep-all]",
    env: 'IMSTATE_POLICY',
    options: loginPolicies.spellings,
    helpValue: 'POLICY',
  }),
  incarnation: Flags.integer({
    description: 'incarnation of the chat server: the session belongs to its lease, and ends with it',
    env: 'IMSTATE_INCARNATION',
    min: 1,
    max: MAX_INCARNATION,
    helpValue: 'N',
  }),
};

/** The values of {@link loginFlags}. */
export interface LoginFlagValues {
  'server-addr': string | undefined;
  platform: string | undefined;
  ttl: number | undefined;
  metadata: string[] | undefined;
  policy: LoginPolicy | undefined;
  incarnation: number | undefined;
}

/** What the flags say of a login, without its session. */
export function loginOf(flags: LoginFlagValues): Omit<OnlineRequest, 'userId' | 'deviceId' | 'serverAddr'> {
  return {
    platform: flags.platform,
    ttlMs: flags.ttl,
    metadata: flags.metadata && parseMetadata(flags.metadata.join(',')),
    policy: flags.policy,
    serverIncarnation: flags.incarnation,
  };
}

function parseMetadata(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    throw new ImstateError(
      'WRONG_USAGE',
      `--metadata must be KEY=VALUE,…; "${pair}" is not (a value that holds a comma can be given with --file)`,
    );
  });
  return Object.fromEntries(pairs);
}
